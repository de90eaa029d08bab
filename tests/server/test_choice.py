import numpy as np
import pytest

from checkout_age.server.choice import SeveralFaces, shopper_among
from checkout_age.server.face import FaceError, FaceFault
from tests.faces import face_at

SCENE = np.zeros((480, 640, 3), np.uint8)


def test_the_largest_face_is_the_shoppers() -> None:
    small, large = face_at(300, 240, 60), face_at(360, 240, 100)
    assert shopper_among([small, large], SCENE, SeveralFaces.CHOOSE) is large


def test_of_two_alike_the_one_nearer_the_middle_is() -> None:
    aside, middle = face_at(80, 200, 100), face_at(340, 200, 95)
    assert shopper_among([aside, middle], SCENE, SeveralFaces.CHOOSE) is middle


def test_a_much_larger_face_at_the_edge_is_the_shoppers_all_the_same() -> None:
    aside, middle = face_at(120, 200, 200), face_at(320, 240, 60)
    assert shopper_among([aside, middle], SCENE, SeveralFaces.CHOOSE) is aside


def test_several_are_refused_where_the_policy_says_so_and_one_never_is() -> None:
    faces = [face_at(100, 100, 50), face_at(300, 100, 50)]
    with pytest.raises(FaceError, match="2 faces were found, 1 is allowed") as raised:
        shopper_among(faces, SCENE, SeveralFaces.REFUSE)
    assert raised.value.fault is FaceFault.SEVERAL_FACES
    assert shopper_among(faces[:1], SCENE, SeveralFaces.REFUSE) is faces[0]
