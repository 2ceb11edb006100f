"""``sales.settings``: the lists that an administrator keeps. (SPEC section 1)"""

from salespipeline.settings.desk import SettingsDesk
from salespipeline.settings.items import Items
from salespipeline.settings.lists import SettingList

__all__ = ["Items", "SettingList", "SettingsDesk"]
