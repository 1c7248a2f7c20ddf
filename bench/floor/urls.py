from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.routers import DefaultRouter

from bench.floor.models import Proposal


class ProposalSerializer(serializers.ModelSerializer[Proposal]):
    class Meta:
        model = Proposal
        fields = "__all__"


class ProposalViewSet(viewsets.ModelViewSet[Proposal]):
    queryset = Proposal.objects.all()
    serializer_class = ProposalSerializer


router = DefaultRouter()
router.register("proposals", ProposalViewSet)
urlpatterns = [path("api/v1/", include(router.urls))]
