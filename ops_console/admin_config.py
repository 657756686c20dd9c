"""Names our site as Django's admin site. Apart from the site, which needs models that are not loaded yet."""

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    default_site = "ops_console.admin_site.ConsoleAdminSite"
