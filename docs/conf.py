"""How the documentation is built: ``nox -s docs``."""

import shutil
from pathlib import Path

HERE = Path(__file__).parent

# The notebooks live with the examples. Copies of them stand in the documentation, which runs them.
shutil.rmtree(HERE / "notebooks", ignore_errors=True)
shutil.copytree(HERE.parent / "examples" / "notebooks", HERE / "notebooks", ignore=shutil.ignore_patterns(".*"))

project = "salespipeline"
copyright = "2026, the salespipeline developers"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "salespipeline"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
exclude_patterns = ["_build"]
myst_heading_anchors = 2
myst_enable_extensions = ["deflist"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
add_module_names = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
