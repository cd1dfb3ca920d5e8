"""The vocabulary of labels, and how two models' results become labels."""

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


def probabilities_of(classes, **probabilities):
    by_class = {name.replace("_", " "): value for name, value in probabilities.items()}
    assert by_class.keys() <= set(classes)
    return [by_class.get(name, 0.0) for name in classes]


def confidences(labels):
    return {label.name: round(label.confidence) for label in labels}


def test_every_class_of_coco_and_imagenet_is_in_the_vocabulary(vocabulary):
    assert len(vocabulary.coco) == 80
    assert len(vocabulary.imagenet) == 1000


def test_labels_are_unique_and_in_title_case(vocabulary):
    names = {*vocabulary.coco.values(), *vocabulary.parents, *filter(None, vocabulary.imagenet)}

    assert [name for name in names if not re.fullmatch(r"[A-Z0-9].*", name)] == []
    assert len({name.lower() for name in names}) == len(names)


def test_no_label_is_its_own_ancestor(vocabulary):
    for name in vocabulary.parents:
        assert name not in vocabulary.ancestors(name)


def test_categories_are_rekognitions_and_every_coco_class_has_one(vocabulary):
    assert set(vocabulary.categories.values()) <= CATEGORIES
    assert [name for name in vocabulary.coco.values() if not vocabulary.category(name)] == []


def test_aliases_and_categories_belong_to_existing_labels(vocabulary):
    kinds = {ancestor for parents in vocabulary.parents.values() for ancestor in parents}
    labels = {*vocabulary.coco.values(), *filter(None, vocabulary.imagenet), *kinds}

    assert set(vocabulary.aliases) <= labels
    assert set(vocabulary.categories) <= labels


@pytest.mark.parametrize(
    ("class_name", "ancestor"),
    [("tabby", "Cat"), ("pug", "Dog"), ("bald eagle", "Bird"), ("sports car", "Vehicle"),
     ("violin", "Musical Instrument"), ("strawberry", "Fruit"), ("llama", "Mammal"),
     ("agaric", "Fungus"), ("mosque", "Building"), ("teapot", "Kitchenware")],
)  # fmt: skip
def test_imagenets_classes_have_the_right_ancestors(vocabulary, classes, class_name, ancestor):
    label = vocabulary.imagenet[classes.index(class_name)]

    assert ancestor in vocabulary.ancestors(label)


@pytest.mark.parametrize(
    "blocked", ["gorilla", "brassiere", "bulletproof vest", "assault rifle", "diaper", "nipple"]
)
def test_a_blocked_class_is_never_a_label(vocabulary, classes, blocked):
    probabilities = [1.0 if name == blocked else 0.0 for name in classes]

    assert find_labels([], probabilities, vocabulary) == []


def test_probabilities_of_breeds_add_up_to_a_dog(vocabulary, classes):
    labels = find_labels(
        [], probabilities_of(classes, beagle=0.28, basset=0.27, bloodhound=0.25), vocabulary
    )

    assert confidences(labels) == {"Animal": 80, "Canine": 80, "Dog": 80, "Mammal": 80, "Pet": 80}


def test_the_higher_confidence_counts_and_the_box_stays(vocabulary, classes):
    detections = [Detection(17, 0.6, BOX)]

    labels = find_labels(detections, probabilities_of(classes, tabby=0.9), vocabulary)

    (cat,) = [label for label in labels if label.name == "Cat"]
    assert round(cat.confidence) == 90
    assert [round(instance.confidence) for instance in cat.instances] == [60]


def test_the_classifiers_animals_are_ignored_if_a_person_is_detected(vocabulary, classes):
    person, dog = Detection(1, 0.8, BOX), Detection(18, 0.7, BOX)
    probabilities = probabilities_of(classes, baboon=0.2, hog=0.5, pug=0.9)

    assert confidences(find_labels([person], probabilities, vocabulary)) == {"Person": 80}
    assert confidences(find_labels([person, dog], probabilities, vocabulary))["Dog"] == 70


def test_a_label_has_at_most_the_confidence_of_its_ancestors(vocabulary, classes):
    detections = [Detection(17, 0.6, BOX), Detection(3, 0.8, BOX)]

    labels = find_labels(detections, probabilities_of(classes, tabby=0.5, cab=0.4), vocabulary)

    confidence = {label.name: label.confidence for label in labels}
    for name, own in confidence.items():
        assert all(
            confidence[name_of_ancestor] >= own for name_of_ancestor in vocabulary.ancestors(name)
        )


def test_labels_are_sorted_by_confidence(vocabulary, classes):
    detections = [Detection(84, 0.5, BOX), Detection(1, 0.9, BOX)]

    labels = find_labels(detections, probabilities_of(classes), vocabulary)

    assert [label.name for label in labels] == ["Person", "Book", "Publication"]


def test_an_unused_class_id_of_coco_is_ignored():
    empty = Vocabulary(parents={}, aliases={}, categories={}, coco={1: "Person"}, imagenet=())

    assert find_labels([Detection(12, 0.9, BOX)], [], empty) == []
