import csv
import os
import random

from otree.api import *


class C(BaseConstants):
    NAME_IN_URL = "jars"
    PLAYERS_PER_GROUP = None
    with open(os.environ["JARS_CSV"], encoding="utf-8") as file:
        JARS = list(csv.DictReader(file))
    NUM_ROUNDS = len(JARS)


class Subsession(BaseSubsession):
    pass


class Group(BaseGroup):
    pass


class Player(BasePlayer):
    agree = models.StringField(choices=["agree", "decline"], widget=widgets.RadioSelect)
    task = models.StringField(
        label="What will you be asked about each jar?",
        choices=[["beads", "How many beads fill it"], ["price", "What it costs"]],
        widget=widgets.RadioSelect,
    )
    tries = models.IntegerField(initial=0)
    advised = models.BooleanField(initial=False)
    estimate = models.IntegerField(label="How many beads fill this jar?", min=1, max=20000)
    confidence = models.IntegerField(
        label="How sure are you of your estimate?", choices=[1, 2, 3, 4, 5], widget=widgets.RadioSelectHorizontal
    )
    remarks = models.LongStringField(label="Is there anything that you want to tell us?", blank=True)


def creating_session(subsession):
    """Conditions in blocks of four, and an order of the jars for each person."""
    if subsession.round_number != 1:
        return
    block = []
    for player in subsession.get_players():
        if not block:
            block = [False, False, True, True]
            random.shuffle(block)
        player.advised = block.pop()
        player.participant.order = random.sample(range(C.NUM_ROUNDS), C.NUM_ROUNDS)


def first_round(player):
    return player.round_number == 1


def last_round(player):
    return player.round_number == C.NUM_ROUNDS


class Consent(Page):
    form_model = "player"
    form_fields = ["agree"]

    is_displayed = staticmethod(first_round)


class Instructions(Page):
    is_displayed = staticmethod(first_round)


class Understood(Page):
    form_model = "player"
    form_fields = ["task"]

    is_displayed = staticmethod(first_round)

    @staticmethod
    def error_message(player, values):
        if values["task"] != "beads":
            player.tries += 1
            return "Please read the instructions once more."


class Jar(Page):
    form_model = "player"
    form_fields = ["estimate", "confidence"]

    @staticmethod
    def vars_for_template(player):
        jar = C.JARS[player.participant.order[player.round_number - 1]]
        return dict(jar=jar, advised=player.in_round(1).advised, nth=player.round_number, of=C.NUM_ROUNDS)


class Last(Page):
    form_model = "player"
    form_fields = ["remarks"]

    is_displayed = staticmethod(last_round)


class Code(Page):
    is_displayed = staticmethod(last_round)


page_sequence = [Consent, Instructions, Understood, Jar, Last, Code]
