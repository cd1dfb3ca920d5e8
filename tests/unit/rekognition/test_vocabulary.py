"""The words: every class has one, parents lead somewhere, and some are never said."""

import re

import pytest

from infra.rekognition.coco import Detection
from infra.rekognition.coordinates import Box
from infra.rekognition.imagenet import class_names
from infra.rekognition.labels import find_labels
from infra.rekognition.vocabulary import Vocabulary, load_vocabulary

# https://docs.aws.amazon.com/rekognition/latest/dg/labels.html
CATEGORIES = {
    "Animals and Pets", "Apparel and Accessories", "Beauty and Personal Care",
    "Buildings and Architecture", "Everyday Objects", "Food and Beverage",
    "Furniture and Furnishings", "Hobbies and Interests", "Home Appliances", "Home and Indoors",
    "Kitchen and Dining", "Nature and Outdoors", "Person Description", "Plants and Flowers",
    "Public Safety", "Sports", "Symbols and Flags", "Technology and Computing",
    "Text and Documents", "Tools and Machinery", "Toys and Gaming", "Transport and Logistics",
    "Travel and Adventure", "Vehicles and Automotive",
}  # fmt: skip

BOX = Box(0.1, 0.1, 0.5, 0.5)


@pytest.fixture(scope="module")
def vocabulary(weights):
    return load_vocabulary(class_names(weights))


@pytest.fixture(scope="module")
def classes(weights):
    return class_names(weights)


def likely(classes, **probabilities):
    wanted = {name.replace("_", " "): value for name, value in probabilities.items()}
    assert wanted.keys() <= set(classes)
    return [wanted.get(name, 0.0) for name in classes]


def found(labels):
    return {label.name: round(label.confidence) for label in labels}


def test_all_of_cocos_things_and_imagenets_classes_have_a_place(vocabulary):
    assert len(vocabulary.coco) == 80
    assert len(vocabulary.imagenet) == 1000


def test_a_label_is_named_once_and_in_title_case(vocabulary):
    names = {*vocabulary.coco.values(), *vocabulary.parents, *filter(None, vocabulary.imagenet)}

    assert [name for name in names if not re.fullmatch(r"[A-Z0-9].*", name)] == []
    assert len({name.lower() for name in names}) == len(names)


def test_nothing_is_a_kind_of_itself(vocabulary):
    for name in vocabulary.parents:
        assert name not in vocabulary.ancestors(name)


def test_categories_are_rekognitions_and_every_thing_of_coco_has_one(vocabulary):
    assert set(vocabulary.categories.values()) <= CATEGORIES
    assert [each for each in vocabulary.coco.values() if not vocabulary.category(each)] == []


def test_what_aliases_and_categories_are_of_exists(vocabulary):
    kinds = {kind for parents in vocabulary.parents.values() for kind in parents}
    known = {*vocabulary.coco.values(), *filter(None, vocabulary.imagenet), *kinds}

    assert set(vocabulary.aliases) <= known
    assert set(vocabulary.categories) <= known


@pytest.mark.parametrize(
    ("one_of_its_classes", "kind"),
    [("tabby", "Cat"), ("pug", "Dog"), ("bald eagle", "Bird"), ("sports car", "Vehicle"),
     ("violin", "Musical Instrument"), ("strawberry", "Fruit"), ("llama", "Mammal"),
     ("agaric", "Fungus"), ("mosque", "Building"), ("teapot", "Kitchenware")],
)  # fmt: skip
def test_imagenets_classes_are_filed_where_they_belong(
    vocabulary, classes, one_of_its_classes, kind
):
    label = vocabulary.imagenet[classes.index(one_of_its_classes)]

    assert kind in vocabulary.ancestors(label)


@pytest.mark.parametrize(
    "never", ["gorilla", "brassiere", "bulletproof vest", "assault rifle", "diaper", "nipple"]
)
def test_what_would_embarrass_is_not_said_however_sure_the_model_is(vocabulary, classes, never):
    probabilities = [1.0 if name == never else 0.0 for name in classes]

    assert find_labels([], probabilities, vocabulary) == []


def test_breeds_in_doubt_are_still_a_dog(vocabulary, classes):
    labels = find_labels([], likely(classes, beagle=0.28, basset=0.27, bloodhound=0.25), vocabulary)

    assert found(labels) == {"Animal": 80, "Canine": 80, "Dog": 80, "Mammal": 80, "Pet": 80}


def test_of_two_opinions_the_surer_one_counts_and_the_box_stays(vocabulary, classes):
    seen = [Detection(17, 0.6, BOX)]

    labels = find_labels(seen, likely(classes, tabby=0.9), vocabulary)

    (cat,) = [label for label in labels if label.name == "Cat"]
    assert round(cat.confidence) == 90
    assert [round(instance.confidence) for instance in cat.instances] == [60]


def test_where_a_person_is_seen_the_classifier_does_not_speak_of_animals(vocabulary, classes):
    person, dog = Detection(1, 0.8, BOX), Detection(18, 0.7, BOX)
    thinks = likely(classes, baboon=0.2, hog=0.5, pug=0.9)

    assert found(find_labels([person], thinks, vocabulary)) == {"Person": 80}
    assert found(find_labels([person, dog], thinks, vocabulary))["Dog"] == 70


def test_a_label_is_never_surer_than_what_it_is_a_kind_of(vocabulary, classes):
    seen = [Detection(17, 0.6, BOX), Detection(3, 0.8, BOX)]

    labels = find_labels(seen, likely(classes, tabby=0.5, cab=0.4), vocabulary)

    confidence = {label.name: label.confidence for label in labels}
    for name, own in confidence.items():
        assert all(confidence[kin] >= own for kin in vocabulary.ancestors(name))


def test_the_surest_label_comes_first(vocabulary, classes):
    seen = [Detection(84, 0.5, BOX), Detection(1, 0.9, BOX)]

    labels = find_labels(seen, likely(classes), vocabulary)

    assert [label.name for label in labels] == ["Person", "Book", "Publication"]


def test_an_id_that_coco_never_gave_is_no_label():
    empty = Vocabulary(parents={}, aliases={}, categories={}, coco={1: "Person"}, imagenet=())

    assert find_labels([Detection(12, 0.9, BOX)], [], empty) == []
