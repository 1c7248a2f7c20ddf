from hitlportal.models.link_request import LinkRequest

__all__ = ["LinkRequest"]
