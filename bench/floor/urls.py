import os

import httpx
from django.contrib import admin
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from bench.floor.models import Proposal


class ProposalSerializer(serializers.ModelSerializer[Proposal]):
    class Meta:
        model = Proposal
        fields = "__all__"


class ProposalViewSet(viewsets.ModelViewSet[Proposal]):
    queryset = Proposal.objects.all()
    serializer_class = ProposalSerializer

    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve, ship at once, and keep the receipt: two saves with their field history, and no lock."""
        proposal = self.get_object()
        proposal.state = "approved"
        proposal.save()
        answer = _client.post(
            os.environ["FLOOR_RECEIVER"], json=proposal.payload, headers={"Floor-Proposal": str(proposal.pk)}
        )
        answer.raise_for_status()
        proposal.state = "shipped"
        proposal.save()
        return Response(self.get_serializer(proposal).data)


_client = httpx.Client(trust_env=False)
router = DefaultRouter()
router.register("proposals", ProposalViewSet)
urlpatterns = [path("api/v1/", include(router.urls)), path("admin/", admin.site.urls)]
