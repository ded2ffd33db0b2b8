from tests.deploy.conftest import phone

__all__ = ["phone"]
