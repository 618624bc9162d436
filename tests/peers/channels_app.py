"""Django Channels, run by Daphne."""

import logging

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="-", ALLOWED_HOSTS=["*"], ROOT_URLCONF=(), INSTALLED_APPS=["channels"]
)
django.setup()

from channels.exceptions import DenyConnection
from channels.generic.websocket import JsonWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

logging.disable()


class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data, bytes_data)


class Denies(WebsocketConsumer):
    def connect(self):
        raise DenyConnection


class Closes(WebsocketConsumer):
    def connect(self):
        self.accept()
        self.close(4003)


class Raises(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        raise RuntimeError


class Json(JsonWebsocketConsumer):
    pass


routes = URLRouter(
    [
        path("ws/", Echo.as_asgi()),
        path("denies/", Denies.as_asgi()),
        path("closes/", Closes.as_asgi()),
        path("raises/", Raises.as_asgi()),
        path("json/", Json.as_asgi()),
    ]
)
app = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": OriginValidator(routes, ["https://app.example"]),
    }
)
