from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "ops_console.directory"
    label = "directory"
