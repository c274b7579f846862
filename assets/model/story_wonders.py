"""Plots of the simple stories about weather, wishes, woods and wonders."""
from story_cast import BOYS, GIRLS, SEEDS, a_or_an, capital, quote


def storm(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say(f"{t.day}, {a.name} {a.go} to {t.place}.",
          f"{t.day}, {a.name} was playing in {t.place}.")
    t.say("Soon the sky turned dark.", "Big gray clouds came over the hill.",
          "All at once, it began to rain.")
    t.say("The wind blew and the rain fell hard.", "There was a loud clap of thunder.",
          "The rain came down and down.")
    t.say(f"{a.name} was cold and wet.", f"{a.name} was afraid of the thunder.",
          f'"Oh dear," said {a.name}. "Where can I go?"')
    t.paragraph()
    t.say(f"Then {a.he} heard a voice.", "Just then, someone called.",
          f"{a.He} saw a light far away.")
    t.say(f'"Come in, come in!" It was {b.name} the {b.sp}.' if b.animal
          else f'"Come in, come in!" It was {a_or_an(b.sp)} named {b.name}.')
    t.say(f"{b.name} lived in {b.home}.", "Inside it was warm and dry.")
    t.say(f"{b.name} gave {a.him} a warm blanket.", "They sat by the fire and drank hot milk.",
          f"{b.name} made a pot of hot soup.")
    t.say("They told stories until the rain stopped.",
          "They sang songs and forgot about the storm.",
          f"Soon {a.name} was not afraid any more.")
    t.paragraph()
    t.say("When the rain stopped, there was a rainbow in the sky.",
          "At last the sun came out again.",
          "After the storm, the whole world was clean and bright.")
    t.say(quote(t, a, "Thank you for helping me."), quote(t, a, "What a pretty rainbow!"),
          quote(t, b, "Come back soon!"))


def noise(t):
    a = t.a
    n, thing = t.r.choice([("tap, tap, tap", "a branch at the window"),
                           ("scratch, scratch", "a little mouse in the wall"),
                           ("hoo, hoo", "an old owl in the tree"),
                           ("drip, drip, drip", "water in the kitchen"),
                           ("bump, bump", "an apple falling on the roof"),
                           ("creak, creak", "the old door in the wind"),
                           ("meow, meow", "a small kitten on the step")])
    t.paragraph()
    t.say("One night, it was very dark.", "One night, the moon was hidden by clouds.",
          f"One night, {a.name} could not sleep.")
    t.say(f"{a.name} heard a strange noise.", f"{a.He} sat up in bed and listened.")
    t.say(f'"{capital(n)}," it went.', f"{capital(n)}! What was that?")
    t.say(f"{a.name} hid under the blanket.", f"{a.name} was very scared.",
          f"{a.His} heart beat fast.")
    t.paragraph()
    t.say(f'"{capital(t.mom)}, I am afraid," {a.he} called.',
          f"{a.He} called for {a.his} {t.mom}.")
    t.say(f"{a.His} {t.mom} came with a lamp.", f"{a.His} {t.mom} took {a.his} hand.")
    t.say('"Let us go and see," said ' + f"{a.his} {t.mom}.",
          f'"There is nothing to fear," said {a.his} {t.mom}.')
    t.say("They walked down the stairs, step by step.", "They looked in every room.",
          "Slowly, they opened the door.")
    t.paragraph()
    t.say(f"It was only {thing}!", f"And what did they see? It was just {thing}.")
    t.say(f"{a.name} laughed and laughed.", f'"Is that all?" said {a.name}.',
          f"{a.name} felt silly, but also glad.")
    t.say(f"{a.He} went back to bed and soon fell asleep.",
          f"After that, {a.he} was not afraid of the dark.",
          f"{a.His} {t.mom} gave {a.him} a kiss, and {a.he} slept until morning.")


def seed(t):
    a, b = t.a, t.b
    sd = t.r.choice(SEEDS)
    res = {"bean": "a bean plant as tall as the house", "pumpkin seed": "a huge orange pumpkin",
           "sunflower seed": "a tall yellow sunflower", "apple seed": "a little apple tree",
           "little acorn": "a young oak tree",
           "strawberry seed": "a row of sweet red strawberries"}[sd]
    t.paragraph()
    t.say(f"{t.day}, {a.name} found {a_or_an(sd)}.",
          f"{t.day}, {b.name} gave {a.name} {a_or_an(sd)}.",
          f"{t.day}, {a.his} {t.mom} gave {a.him} {a_or_an(sd)}.")
    t.say(quote(t, a, "What is this?", "asked"), quote(t, a, "I will plant it."))
    t.say(f"{a.name} dug a hole and put the {sd} in the ground.",
          f"{a.He} put it in the soft brown earth.")
    t.say("Every day, " + f"{a.he} gave it water.", f"{a.He} watered it every morning.")
    t.paragraph()
    t.say("The first day, nothing happened.", "Days went by, and nothing grew.")
    t.say(f'"When will it grow?" asked {a.name}.',
          f"{a.name} was sad and thought it would never grow.")
    t.say(f'"You must wait," said {a.his} {t.mom}.', quote(t, b, "Good things take time."))
    t.say("The sun shone and the rain fell.", f"So {a.name} waited and waited.")
    t.paragraph()
    t.say("Then, one morning, there was a tiny green leaf!",
          f"At last, {a.name} saw something green.")
    t.say("It grew and grew and grew.", "Every day it was a little taller.")
    t.say(f"By the end of summer, there was {res}.", f"In the end, it became {res}.")
    t.say(f"{a.name} called all {a.his} friends to see it.", f"{a.name} danced with joy.",
          quote(t, a, "It was worth the wait!"))


def wish(t):
    a = t.a
    giver = t.r.choice(["a little fairy", "a golden fish", "an old woman in a blue cloak",
                        "a talking star", "a small green elf", "a wise old turtle"])
    bad = t.r.choice([("a mountain of candy", "ate so much that {he} felt sick"),
                      ("to be as tall as a tree", "could not fit inside {his} own house"),
                      ("to fly like a bird", "was so high up that {he} was afraid"),
                      ("to never sleep", "was so tired that {he} could not play"),
                      ("all the toys in the world", "had no room left to sleep"),
                      ("to be a king", "had no friends to play with")])
    t.paragraph()
    t.say(f"{t.day}, {a.name} met {giver} in {t.place}.", f"{t.day}, {a.name} helped {giver}.")
    t.say(f'"I will give you one wish," said the {giver.split(" ", 1)[1]}.',
          "\"You may make a wish,\" said a soft voice.")
    t.say(f"{a.name} did not think for long.", f"{a.name} was very excited.")
    t.say(f'"I wish for {bad[0]}!" {a.he} said.' if not bad[0].startswith("to ")
          else f'"I wish {bad[0]}!" {a.he} said.')
    t.paragraph()
    t.say("There was a flash of light, and the wish came true.", "Poof! The wish came true.")
    t.say("At first, it was fun.", f"At first, {a.name} was very happy.")
    t.say(f"But soon {a.he} {bad[1].format(he=a.he, his=a.his)}.",
          f"But then {a.he} {bad[1].format(he=a.he, his=a.his)}.")
    t.say(f'"I do not like this," said {a.name}.', f"{a.name} began to cry.")
    t.paragraph()
    t.say(f"{a.He} called out, and {giver} came back.", f"So {a.he} went back to {t.place}.")
    t.say('"Please take my wish away," ' + f"{a.he} said.",
          f'"I want things to be as they were," said {a.name}.')
    t.say("In a moment, all was as before.", "And so it was done.")
    t.say(f"{a.name} was glad to be just {a.name} again.",
          f"{a.He} had learned that {a.he} had all {a.he} needed.",
          f"{a.name} ran home to {a.his} {t.mom}.")


def treasure(t):
    a, b = t.a, t.b
    w = t.r.choice(["under an old tree", "in a dark cave", "behind the waterfall",
                    "under a flat stone", "inside a hollow log"])
    t.paragraph()
    t.say(f"{t.day}, {a.name} found an old map in {t.place}.",
          f"{t.day}, {a.name} and {b.name} found a map.")
    t.say("It showed the way to a treasure.", "There was a red cross on it.")
    t.say(quote(t, a, "Let us find the treasure!"), quote(t, b, "Can I come too?", "asked"),
          quote(t, b, "This will be fun!"))
    t.paragraph()
    t.say("They walked over the hill and across the bridge.",
          "They went past the mill and into the woods.")
    t.say("The way was long.", "It was a hot day, and they were tired.",
          "They had to cross a deep river.")
    t.say(f"{b.name} wanted to go home, but {a.name} said, \"Just a little more.\"",
          f"{a.name} helped {b.name} over the rocks.", "But they did not stop.")
    t.paragraph()
    t.say(f"At last they came to the place, {w}.", f"They began to dig {w}.")
    t.say(f"There they found {t.tre}!", f"And there, in an old box, was {t.tre}.")
    t.say(quote(t, b, "We are rich!", "cried"), quote(t, a, "How pretty it is!"),
          "They looked at each other and laughed.")
    t.say(f'"But the best treasure is a good friend," said {a.name}.',
          "They took turns to keep it.",
          f"They gave it to {a.name}'s {t.mom}, who put it on the shelf.")


def woods(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say(f"{t.day}, {a.name} went for a walk in the woods.",
          f"{t.day}, {a.his} {t.mom} sent {a.him} to pick berries in the woods.")
    t.say(f"{a.He} followed a {t.col} butterfly.", f"{a.He} picked flowers and sang a song.",
          f"{a.He} walked and walked.")
    t.say(f"Soon {a.he} did not know the way home.", f"When {a.he} looked up, {a.he} was lost.")
    t.say("The trees were tall and dark.", "It was getting late.")
    t.say(f'"Help!" cried {a.name}. But no one came.',
          f"{a.name} sat down on a stone and cried.")
    t.paragraph()
    t.say(f"Then {b.name} came out from behind a tree.",
          f"Then {a.he} heard a voice. It was {b.name}.")
    t.say(quote(t, b, "Are you lost?", "asked"), quote(t, b, "Why are you crying?", "asked"))
    t.say(quote(t, a, "Yes, I cannot find my way home."))
    t.say(quote(t, b, "I know these woods. Come with me."),
          quote(t, b, "Hold my hand. I will show you the way."))
    t.say("They went over a bridge and past a big rock.", "They walked along the river.")
    t.paragraph()
    t.say(f"Soon {a.name} could see {a.his} home.",
          f"At last, {a.he} saw a light in the window.")
    t.say(f"{a.His} {t.mom} ran out and hugged {a.him}.",
          f'"There you are!" cried {a.his} {t.mom}.')
    t.say(f"They gave {b.name} {a_or_an(t.food)} to say thank you.",
          f"{b.name} stayed for supper.")


def snow(t):
    a, b = t.a, t.b
    t.paragraph()
    t.say("One winter morning, everything was white.", "One cold day, the snow began to fall.")
    t.say(f'"Snow! Snow!" cried {a.name}.', f"{a.name} put on a warm coat and ran outside."
          if not a.animal else f"{a.name} {a.go} out into the snow.")
    t.say(f"{b.name} was there too.", f"{a.name} called {b.name} to come and play.")
    t.say(quote(t, b, "Let us make a snowman!"), quote(t, a, "Let us build a snowman!"))
    t.paragraph()
    t.say("They rolled a big ball and then a small ball.",
          "They made three balls of snow and put one on top of the other.")
    t.say("They used a carrot for the nose and stones for the eyes.",
          "They gave him a hat and two stick arms.")
    t.say(f'"He looks cold," said {a.name}, and {a.he} gave him a {t.col} scarf.',
          f"{b.name} put a {t.col} hat on his head.")
    t.say("They danced around the snowman.", "They threw snowballs and laughed.")
    t.paragraph()
    t.say("Then the sun came out, and the snowman began to melt.",
          "The next day it was warm, and the snowman grew small.")
    t.say(f"{a.name} was sad.", f'"Do not go!" said {a.name}.')
    t.say(quote(t, b, "He will come back next winter."),
          quote(t, b, "We can make a new one when it snows again."))
    t.say("So they went inside and drank hot milk.",
          f"{a.name} kept the scarf and waited for the snow.")


def dragon(t):
    who = t.r.choice(["princess", "prince", "king's daughter", "young knight"])
    he, his = ("she", "her") if who in ("princess", "king's daughter") else ("he", "his")
    nm = t.r.choice(GIRLS if he == "she" else BOYS)
    t.start_over(nm, he, his, who)
    t.say(f"Once upon a time, there was a {who} named {nm} who lived in a castle.",
          f"Long ago, in a land far away, there lived a {who} named {nm}.",
          f"Once upon a time, there was a {who}. {capital(his)} name was {nm}.")
    t.say("Near the castle was a tall mountain, and on the mountain lived a dragon.",
          "One day, a big dragon came to the land.")
    t.say("Everyone was afraid of the dragon.", "The people locked their doors and hid.")
    t.paragraph()
    t.say(f'"I will go and talk to the dragon," said {nm}.', f"But {nm} was not afraid.")
    t.say(f"{capital(he)} climbed the mountain all alone.",
          f"So {he} took some bread and went up the mountain.")
    t.say("There sat the dragon, and it was crying.",
          "The dragon was big and green, with sad eyes.")
    t.say(f'"Why do you cry?" asked {nm}.', f'"What is wrong?" asked {nm}.')
    t.say('"I have no friends," said the dragon. "Everyone runs away from me."',
          '"I have a thorn in my foot," said the dragon, "and no one will help me."',
          '"I am so lonely," said the dragon. "No one will play with me."')
    t.paragraph()
    t.say(f'"I will be your friend," said {nm}.',
          f"{nm} sat down and shared {his} bread with the dragon.")
    t.say("The dragon was so happy that it blew smoke rings in the air.",
          "The dragon smiled for the first time.")
    t.say(f"Then {he} rode home on the dragon's back.",
          "They flew over the hills and back to the castle.")
    t.say("The king could not believe his eyes.", "The people saw that the dragon was kind.")
    t.say("From then on, the dragon kept the castle safe and warm.",
          "And every winter, the dragon lit the fires of the whole town.")
    t.b.name = "the dragon"


def star(t):
    a = t.a
    t.paragraph()
    t.say(f"One night, {a.name} looked out of the window and saw a star.",
          f"Every night, {a.name} looked up at the stars.")
    t.say("It was the brightest star in the sky.",
          "One little star was shining more than the rest.")
    t.say(f'"Hello, little star," said {a.name}.',
          f'"Are you lonely up there?" asked {a.name}.')
    t.say('"Hello," said the star. "I can see you too."',
          "The star blinked, as if it had heard.")
    t.paragraph()
    t.say(f'"What do you see from up there?" asked {a.name}.')
    t.say('"I see the sea and the ships," said the star.',
          '"I see the hills, the towns and the sleeping birds," said the star.',
          '"I see all the children going to bed," said the star.')
    t.say(f'"I wish I could come with you," said {a.name}.',
          f'"Will you be there tomorrow?" asked {a.name}.')
    t.say('"Close your eyes," said the star, "and you will fly in your dreams."',
          '"I am always here," said the star, "even when the clouds hide me."')
    t.paragraph()
    t.say(f"So {a.name} closed {a.his} eyes.", f"{a.name} went to bed and smiled.")
    t.say(f"In {a.his} dream, {a.he} flew over the hills and the sea.",
          f"{a.He} dreamed of silver ships and golden birds.")
    t.say(f"In the morning, {a.he} found a little bit of silver dust on the window.",
          f"And every night after that, {a.name} said good night to the star.")
    t.b.name = "the star"


def thing(t):
    thing, nm, verb, job = t.r.choice([("boat", "Bobby", "sailed", "carry people across the lake"),
                                       ("train", "Toot", "went", "pull the heavy cars up the hill"),
                                       ("car", "Beep", "drove", "bring milk to the village"),
                                       ("kite", "Flap", "flew", "fly high above the hills"),
                                       ("bus", "Benny", "drove", "take the children to school"),
                                       ("bell", "Ding", "rang", "wake up the whole village"),
                                       ("lamp", "Glow", "shone", "show the ships the way home"),
                                       ("cloud", "Puff", "floated", "bring rain to the fields")])
    t.start_over(nm, "he", "his", thing)
    b = t.b
    t.say(f"Once upon a time, there was a little {t.col} {thing} named {nm}.",
          f"{nm} was a little {t.col} {thing}.")
    t.say(f"{nm} wanted to {job}.", f"Every day, {nm} {verb} out to {job}.")
    t.say(f"But {nm} was very small.", "But all the others were much bigger.")
    t.say(f'"You are too small," said the big {thing}s.', f"The big {thing}s laughed at {nm}.")
    t.paragraph()
    t.say("One day, there was a big storm.", "One day, all the big ones were sick.",
          "One night, everyone needed help.")
    t.say(f'"Who can help us?" cried {b.name}.', f"{b.name} was in trouble.")
    t.say(f'"I can try," said {nm}.', f'"I am small, but I am strong," said {nm}.')
    t.say(f"{nm} {verb} and {verb}, and did not stop.",
          f"It was hard, but {nm} did not give up.", f'"I can do it, I can do it," said {nm}.')
    t.paragraph()
    t.say(f"At last, {b.name} was safe.", f"And so {nm} saved {b.name}.")
    t.say(f'"Thank you, {nm}!" said {b.name}.',
          f'"You are the best {thing} of all," said {b.name}.')
    t.say(f"After that, nobody laughed at {nm} again.",
          f"Now everyone knew that even a small {thing} can do big things.")
