"""Plots of the simple stories in which people help, share, learn and make up."""
from story_cast import FOODS, SKILLS, Who, a_or_an, meet, quote


def lost(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say(f"{t.day}, {a.name} could not find {a.his} {t.col} {t.toy}.",
          f"{t.day}, {a.name} lost {a.his} {t.toy} in {t.place}.",
          f"{t.day}, the {t.col} {t.toy} was gone.")
    t.say(f"{a.He} looked under the bed, but it was not there.",
          f"{a.He} looked here and there, but {a.he} could not see it.",
          f"{a.He} looked behind the door and under the table.",
          f"{a.He} looked all over {t.place}.")
    t.say(f"{a.name} was very sad and began to cry.", f"{a.name} felt sad.",
          f'"Oh no," said {a.name}. "Where is my {t.toy}?"',
          f'"I have lost my {t.toy}," {a.he} cried.')
    t.paragraph()
    meet(t)
    t.say(quote(t, b, "Why are you sad?", "asked"), quote(t, b, "What is the matter?", "asked"))
    t.say(quote(t, a, f"I lost my {t.toy}."), quote(t, a, f"I cannot find my {t.col} {t.toy}."))
    t.say(quote(t, b, "Do not worry. I will help you."),
          quote(t, b, "Let us look for it together!"),
          quote(t, b, "I am good at finding things."))
    t.paragraph()
    w = t.r.choice(["under a bush", "behind a big rock", "in the tall grass",
                    "at the top of a tree", "next to the old well", "under a pile of leaves"])
    t.say("They looked and looked for a long time.", "They looked high and low.",
          "They looked everywhere.",
          f"Together they {t.r.choice(['walked', 'went'])} all around {t.place}.")
    t.say(f"At last, {b.name} saw something {t.col} {w}.",
          f"Then {a.name} saw the {t.toy} {w}.", f"There it was, {w}!")
    t.say(f'"Here it is!" cried {b.name}.', f'"You found it!" said {a.name}.',
          f"It was the {t.toy}!")
    t.say(f"{a.name} was so {t.feel} that {a.he} gave {b.name} a big hug.",
          quote(t, a, "Thank you so much!"),
          f"{a.name} thanked {b.name} and they played together.")


def share(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say(f"{t.day}, {a.name}'s {t.mom} gave {a.him} {a_or_an(t.food)}.",
          f"{t.day}, {a.name} had {a_or_an(t.food)} for lunch.",
          f"{t.day}, {a.name} took {a_or_an(t.food)} to {t.place}.")
    t.say("It smelled very good.", "It looked so good!", f"{a.He} was very hungry.",
          f"{a.He} wanted to eat it all up.")
    t.paragraph()
    meet(t)
    t.say(f"{b.name} looked at the {t.food}.", f"{b.name} was hungry too.",
          f"{b.name} had nothing to eat.")
    t.say(quote(t, b, "I am so hungry."), quote(t, b, "May I have some, please?", "asked"),
          quote(t, b, f"That is a nice {t.food}."))
    t.say(f"{a.name} did not want to share at first.", f"{a.name} thought for a moment.",
          f"{a.name} looked at {b.name}, and then at the {t.food}.")
    t.say(f"But {a.he} saw that {b.name} was sad.",
          f"Then {a.he} remembered what {a.his} {t.mom} had said.",
          f"But {a.he} had a good heart.")
    t.say(quote(t, a, "We can share it."), quote(t, a, "Here, you can have half."),
          quote(t, a, "Come and sit with me."))
    t.paragraph()
    t.say("They sat down under a tree and ate together.", f"So they ate the {t.food} together.",
          f"{a.name} gave half to {b.name}, and they both ate.")
    t.say("It tasted even better that way.", "It was the best lunch ever.",
          f"{b.name} smiled a big smile.")
    t.say(quote(t, b, "Thank you. You are a good friend."),
          quote(t, b, "Next time I will share with you."),
          f"The next day, {b.name} brought {a_or_an(t.r.choice(FOODS))} for {a.name}.")


def skill(t):
    a, b = t.a, t.b
    sk, ing, fail = t.r.choice(SKILLS)
    t.paragraph()
    t.say(f"More than anything, {a.name} wanted to {sk}.",
          f"{t.day}, {a.name} wanted to learn to {sk}.", f"{a.name} did not know how to {sk}.")
    t.say(f"{a.He} tried, but {a.he} {fail}.", f"The first time, {a.he} {fail}.",
          f"{a.He} tried and tried, but every time {a.he} {fail}.")
    t.say(f'"I will never learn," {a.he} said.', f'"This is too hard!" cried {a.name}.',
          f"{a.He} wanted to give up.", f"{a.name} sat down and felt sad.")
    t.paragraph()
    meet(t)
    t.say(quote(t, b, "Do not give up."), quote(t, b, "You have to try again."),
          quote(t, b, f"I can teach you to {sk}."), quote(t, b, "It was hard for me too."))
    t.say(f"{b.name} showed {a.him} how to do it.", f"So {b.name} helped {a.him}.",
          f"{a.name} nodded and tried again.")
    t.say("They worked at it every day.", "Day after day, they tried again.",
          f"Again and again {a.he} {fail}, but {a.he} did not stop.")
    t.paragraph()
    t.say(f"At last, {a.name} could {sk}!", f"Then, one day, {a.name} did it!",
          f"After a week, {a.he} could {sk} all by {a.himself}.")
    t.say(f'"Look at me!" {a.he} cried.', f'"I did it! I did it!" said {a.name}.',
          f"{b.name} clapped and cheered.")
    t.say(f"{a.name} was very proud.", f"{a.His} {t.mom} was so proud.",
          f"{a.name} learned that {ing} takes time.")


def hurt(t):
    a = t.a
    b = t.b = Who(t.r, (a.name,), animal=True)
    part = "wing" if b.sp in ("bird", "owl", "duck") else "leg"
    t.paragraph()
    t.say(f"{t.day}, {a.name} heard a small sound in {t.place}.",
          f"{t.day}, as {a.he} {a.go} along, {a.name} heard someone crying.")
    t.say(f"It was a little {b.sp} with a hurt {part}.",
          f"A little {b.sp} lay on the ground. Its {part} was hurt.",
          f"Under a bush sat a {b.sp} with a broken {part}.")
    t.say(quote(t, a, "Poor little thing!"), quote(t, a, "Do not be afraid. I will help you."),
          quote(t, a, "You must come home with me."))
    t.paragraph()
    t.say(f"{a.name} took the {b.sp} home.",
          f"{a.name} carried the little {b.sp} home very carefully.")
    t.say(f"{a.His} {t.mom} put a soft cloth on the {part}.",
          f"{a.He} made a bed in a small box.", f"{a.His} {t.mom} helped to clean the {part}.")
    t.say(f"{a.name} named the {b.sp} {b.name}.", f'"I will call you {b.name}," said {a.name}.')
    t.say(f"Every day, {a.he} gave {b.name} food and water.",
          f"{a.He} sat by {b.name} every night.",
          f"{a.name} sang to {b.name} until {b.he} fell asleep.")
    t.paragraph()
    t.say(f"Soon {b.name} felt better.", f"After a few days, the {part} was well again.",
          "Little by little, the hurt went away.")
    t.say(f"{a.name} opened the door and {b.name} {b.go} out into the sun.",
          f"Then it was time for {b.name} to go home to the woods.",
          f"{b.name} {b.go} around and around, full of joy.")
    t.say(f"But every spring, {b.name} came back to visit.",
          f"{b.name} looked back once, as if to say thank you.",
          f"But {b.name} did not want to go. {b.He} stayed with {a.name}.")


def gift(t):
    a, b = t.a, t.b
    gift = t.r.choice(["a picture", "a paper crown", "a cake", "a flower chain",
                       "a little wooden boat", "a warm scarf", "a song",
                       "a card with a big heart"])
    t.paragraph()
    t.say(f"It was {b.name}'s birthday.", f"The next day was {b.name}'s birthday.",
          f"{t.day}, {a.name} heard that it was {b.name}'s birthday.")
    t.say(f"{a.name} wanted to give {b.him} something special.",
          f'"What can I give {b.him}?" thought {a.name}.')
    t.say(f"But {a.he} had no money.", f"{a.He} thought and thought.")
    t.say(f"Then {a.he} had an idea.", f'"I know!" said {a.name}.')
    t.paragraph()
    t.say(f"{a.He} worked all day to make {gift}.", f"{a.He} stayed up late and made {gift}.")
    t.say("It was not easy, but it was fun.", f"{a.His} {t.mom} helped a little.",
          "It was not perfect, but it was made with love.")
    t.say(f"Then {a.he} {a.go} to {b.name}'s home.",
          f"In the morning, {a.he} {a.go} to see {b.name}.")
    t.paragraph()
    t.say(f'"Happy birthday, {b.name}!" said {a.name}.', f'"This is for you," said {a.name}.')
    t.say(f"{b.name} looked at it and smiled.", f"{b.name}'s eyes grew wide.")
    t.say(quote(t, b, "This is the best gift of all!"),
          quote(t, b, "You made this for me?", "asked"), quote(t, b, "I love it. Thank you!"))
    t.say("They ate cake and danced.", "They sang and played games all day.")


def lie(t):
    a, b = t.a, t.b
    th = t.r.choice(["vase", "cup", "window", "plate", "lamp", "clock"])
    t.paragraph()
    t.say(f"{t.day}, {a.name} was playing with {a.his} {t.toy} in the house.",
          f"{t.day}, {a.name} threw {a.his} {t.toy} in the kitchen.")
    t.say(f"Crash! The {th} fell and broke.", f"Oh no! {a.He} broke the {th}.")
    t.say(f"{a.name} was afraid.", f"{a.name} did not know what to do.")
    t.say(f'"Who broke the {th}?" asked {a.his} {t.mom}.')
    t.say(f'"It was {b.name}," said {a.name}. But that was not true.',
          f'"I do not know," said {a.name}. But it was a lie.')
    t.paragraph()
    t.say(f"That night, {a.name} could not sleep.", f"{a.name} had a bad feeling inside.")
    t.say(f"{a.He} thought about {b.name}.", f"{a.He} knew that it was wrong to lie.")
    t.say(f"In the morning, {a.he} went to {a.his} {t.mom}.",
          f"So {a.he} got up and told the truth.")
    t.say(f'"I broke the {th}," {a.he} said. "I am sorry."',
          f'"I am sorry. It was me," said {a.name}.')
    t.paragraph()
    t.say(f"{a.His} {t.mom} was not angry.", f"{a.His} {t.mom} gave {a.him} a hug.")
    t.say(f'"Thank you for telling the truth," said {a.his} {t.mom}.',
          f'"It is brave to tell the truth," said {a.his} {t.mom}.')
    t.say(f"{a.name} felt much better.", f"They cleaned up the {th} together.")
    t.say(f"Then {a.he} said sorry to {b.name} too.", f"{a.name} never told a lie again.")


def race(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say(f"{b.name} the {b.sp} was very fast." if b.animal
          else f"There was {a_or_an(b.sp)} named {b.name} who was very fast.")
    t.say(f'"I am the fastest of all!" {b.he} said every day.',
          f"{b.name} laughed at everyone who was slow.")
    t.say(f'"You are so slow, {a.name}," said {b.name}.', f"{b.name} laughed at {a.name}.")
    t.say(f'"Then let us have a race," said {a.name}.')
    t.paragraph()
    t.say("The next day, all the animals came to see the race.", "Everyone came to watch.")
    t.say('"One, two, three, go!"')
    t.say(f"{b.name} ran so fast that soon {b.he} was far away.",
          f"Off went {b.name}, as fast as the wind.")
    t.say(f"{b.He} looked back and could not see {a.name}.",
          f'"I have lots of time," said {b.name}.')
    t.say(f"So {b.he} sat down under a tree and fell asleep.",
          f"So {b.he} stopped to eat and rest.")
    t.paragraph()
    t.say(f"But {a.name} did not stop.", f"{a.name} kept going, step by step.")
    t.say(f"Slowly, {a.he} passed the tree.", f"{a.He} went right past {b.name}.")
    t.say(f"When {b.name} woke up, it was too late.",
          f"{b.name} jumped up and ran, but it was too late.")
    t.say(f"{a.name} had won the race!", f"{a.name} was the winner!")
    t.say(f'"I will not boast again," said {b.name}.',
          f'"Well done," said {b.name}, and {b.he} shook {a.name}\'s hand.',
          "Slow and steady wins the race.")


def turnip(t):
    a, b, c = t.a, t.b, t.c
    veg = t.r.choice(["turnip", "carrot", "pumpkin", "radish", "cabbage"])
    t.paragraph()
    t.say(f"{t.day}, {a.name} saw a very big {veg} in the garden.",
          f"{a.name} had planted {a_or_an(veg)}, and it grew and grew until it was very big.")
    t.say(f"{a.He} pulled and pulled, but the {veg} did not come out.",
          f'"I will pull it out," said {a.name}. But {a.he} could not.')
    t.paragraph()
    t.say(f"So {a.name} called {b.name}.", f"{b.name} came to help.")
    t.say(f"{b.name} pulled {a.name}, and {a.name} pulled the {veg}.",
          "They pulled and pulled together.")
    t.say("But it did not move.", f"But the {veg} stayed in the ground.")
    t.say(f"So they called {c.name} the {c.sp}." if c.animal else f"So they called {c.name}.")
    t.say(f"{c.name} pulled {b.name}, {b.name} pulled {a.name}, and {a.name} pulled the {veg}.",
          "All three of them pulled as hard as they could.")
    t.paragraph()
    t.say(f"Pop! Out came the {veg}!", f"Up came the {veg}, and they all fell down.")
    t.say("They laughed and laughed.", '"Hooray!" they all cried.')
    t.say(f"That night they made a big pot of {veg} soup.",
          f"They cooked the {veg} and ate it together.")
    t.say("There was enough for everyone.",
          "And that is how three friends can do what one cannot.")


def bake(t):
    a, b = t.a, t.b
    it = t.r.choice(["a cake", "some cookies", "a pie", "some bread", "a pot of soup",
                     "pancakes"])
    t.paragraph()
    t.say(f"{t.day}, {a.name} wanted to make {it}.",
          f"{t.day}, {a.name} and {a.his} {t.mom} made {it}.")
    t.say(f"{b.name} came to help.", f"{a.name} asked {b.name} to help.")
    t.say("First, they washed their hands.", "First, they took out a big bowl.")
    t.say("Then they put in flour, milk and eggs." if it != "a pot of soup"
          else "Then they cut carrots and potatoes.")
    t.say(f"{b.name} stirred and stirred.", f"{a.name} stirred with a big spoon.")
    t.paragraph()
    t.say(f"But oh! {a.name} dropped an egg on the floor.", f"But {b.name} spilled the milk.",
          "Soon there was flour everywhere.")
    t.say(f'"I am sorry," said {b.name}. "That is all right," said {a.name}.',
          "They looked at each other and began to laugh.",
          f'"We can clean it up," said {a.his} {t.mom}.')
    t.say("They cleaned the floor together.", "So they tried again.")
    t.paragraph()
    t.say("Soon a sweet smell filled the house." if it != "a pot of soup"
          else "Soon the soup was hot and smelled good.")
    t.say(f'"It is ready!" cried {a.name}.', "At last it was ready.")
    t.say("They sat down and ate it all up.", "They gave some to all their friends.")
    t.say(f'"This is yummy," said {b.name}.', "It was warm and very good.")


def newfriend(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say(f"{t.day}, {a.name} went to {t.place} alone.", f"{a.name} had no one to play with.")
    t.say(f"{a.He} saw {a_or_an(b.sp)} sitting under a tree.",
          f"There was a new {b.sp} in {t.place}.")
    t.say(f"The {b.sp} looked shy.", f"The {b.sp} was playing with a {t.col} {t.toy}.")
    t.say(f'"Hello, my name is {a.name}. What is your name?"',
          f'"Hi! I am {a.name}," said {a.name}. "Who are you?"')
    t.say(f'"My name is {b.name}," said the {b.sp}.',
          f'"I am {b.name}," said the {b.sp} in a small voice.')
    t.paragraph()
    t.say(f'"Do you want to play with me?" asked {a.name}.',
          f'"Can I play too?" asked {a.name}.')
    t.say(f"{b.name} smiled and nodded.", f'"Yes, please!" said {b.name}.')
    t.say(f"They played with the {t.toy} all day.",
          "They ran and jumped and played hide and seek.",
          f"{b.name} showed {a.name} how to play a new game.")
    t.say(f"Then the {t.toy} fell into the water, and they both had to laugh.",
          "They had so much fun.", f"{a.name} told a joke, and {b.name} laughed and laughed.")
    t.paragraph()
    t.say('"Will you come back tomorrow?" ' + f"asked {b.name}.",
          f'"See you tomorrow!" said {b.name}.')
    t.say(f'"Yes, I will," said {a.name}.', f"{a.name} waved and ran home.")
    t.say(f"{a.name} was not alone any more.", f"Now {a.name} had a new friend.")
