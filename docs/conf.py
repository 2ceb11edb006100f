"""How the documentation is built: ``nox -s docs``."""

project = "salespipeline"
copyright = "2026, the salespipeline developers"
extensions = ["myst_nb"]
html_theme = "furo"
html_title = "salespipeline"
exclude_patterns = ["_build"]
nb_execution_mode = "off"
myst_heading_anchors = 2
