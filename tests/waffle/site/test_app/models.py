"""The models that waffle's own tests import: flags, switches and samples of another project, with users of its own."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from waffle.models import AbstractBaseFlag, AbstractBaseSample, AbstractBaseSwitch


class Company(models.Model):
    name = models.CharField(max_length=100)


class CompanyUser(AbstractBaseUser):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    username = models.CharField(max_length=100)

    USERNAME_FIELD = "username"


class CompanyAwareFlag(AbstractBaseFlag):
    companies = models.ManyToManyField(Company, blank=True)

    def is_active_for_user(self, user: AbstractBaseUser | AnonymousUser) -> Any:
        return super().is_active_for_user(user) or self._lists(user)

    def _lists(self, user: Any) -> bool | None:
        found = self.companies.filter(pk=getattr(user, "company_id", None)).exists()
        return True if found else None


class CustomSwitch(AbstractBaseSwitch):
    pass


class CustomSample(AbstractBaseSample):
    pass
