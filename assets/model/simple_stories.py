"""Writes short, simple English stories from a story grammar made for this project.

A story picks one of twenty plots, a cast, a place and some things, and tells every step in
one of several ways. Who, what and where stay the same inside a story, so that a small
language model can learn to keep track of them.

usage: simple_stories.py [COUNT [SEED]]
"""
import random
import sys

import story_friends as friends
import story_wonders as wonders
from story_cast import Story, a_or_an

# The order matters to whoever wants the same stories from the same seed.
PLOTS = [
    friends.lost, friends.share, friends.skill, wonders.storm, friends.hurt, wonders.noise,
    wonders.seed, friends.gift, wonders.wish, friends.lie, wonders.treasure, friends.race,
    wonders.woods, wonders.snow, wonders.dragon, friends.turnip, friends.bake, wonders.star,
    friends.newfriend, wonders.thing,
]


def opening(t):
    a = t.a
    mood = t.r.choice(["little", "small", "young", t.kind, "little", "little"])
    who = f"{a_or_an(mood)} {a.sp} named {a.name}"
    t.say(f"Once upon a time, there was {who}.", f"Once upon a time, there was {who}.",
          f"Once upon a time, {who} lived in {a.home}.", f"There once was {who}.",
          f"Once there was {who} who lived in {a.home}.",
          f"{a.name} was {a_or_an(mood)} {a.sp}.", f"Long ago, there lived {who}.",
          f"Once upon a time, in {a.home}, there lived {who}.")
    t.maybe(.75, f"{a.name} loved to play in {t.place}.",
            f"{a.He} liked to play with {a.his} {t.toy}.",
            f"Every day, {a.he} {a.go} to {t.place}.", f"{a.name} was very {t.kind}.",
            f"{a.He} had a {t.col} {t.toy} and loved it very much.",
            f"{a.He} had many friends in {t.place}.",
            f"Everyone liked {a.name} because {a.he} was so {t.kind}.",
            f"{a.He} lived with {a.his} {t.mom}.")


def ending(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say(f"From that day on, {a.name} and {b.name} were best friends.",
          f"{a.name} went home and slept well that night.",
          f"{a.name} smiled all the way home.",
          f"That night, {a.name} told {a.his} {t.mom} all about it.",
          "And they all lived happily ever after.", "It was the best day ever.",
          "They laughed and played until the sun went down.", f"{a.name} never forgot that day.",
          f"Then it was time to go home, and everyone was {t.feel}.", "The end.",
          f"{a.name} was tired but very {t.feel}.")
    t.maybe(.3, f"{a.He} learned that it is good to be kind.",
            f"{a.name} learned that friends help each other.",
            f"{a.He} knew that {a.he} would never be alone again.",
            "And that is the end of the story.", "The moon came up, and all was quiet.",
            "The stars shone over the little house.")


def story(r):
    t = Story(r)
    opening(t)
    r.choice(PLOTS)(t)
    ending(t)
    return t.text()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    r = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for _ in range(count):
        print(story(r))
        print("-----")


if __name__ == "__main__":
    main()
