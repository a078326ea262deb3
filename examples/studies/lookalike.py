"""Draws answers in the format of experiment 1: python3 lookalike.py > interpretability-1-lookalike.csv

They are nobody's. People lean towards the model's prediction, more closely guessed where it is clear and small; the numbers
behind that are made up.
"""

import random

random.seed(1)
MODEL = [10, 12, 20, 16, 6, 6, 13, 17, 13, 6, 12, 15]
TRUE = [9, 13, 25, 18, 6, 8, 10, 17, 16, 5, 6, None]
GUESS = {"C0": 2.4, "C1": 1.2, "C2": 2.8, "C3": 3.0}


def step(x):
    return min(max(round(x), 1), 30)


def text(steps):
    return "-1" if steps is None else f"{steps / 10:g}"


print("worker_id,condition,q_id,model_pred,actual_price,user_model_pred,user_model_pred_conf,model_conf,final_pred,user_final_price_conf")
for person in range(60):
    arm = f"C{person % 5}"
    lean, bias = random.uniform(0.3, 0.9), random.gauss(0, 1)
    order = random.sample(range(10), 10) + [10, 11]
    for item in order:
        model = MODEL[item] - (1 if item == 10 and arm in ("C2", "C3", "C4") else 0)
        own = (TRUE[item] or 10) + bias + random.gauss(0, 3)
        sure = random.randint(2, 5)
        if arm == "C4":
            fields = ["-1", "-1", "-1", text(step(own))]
        else:
            guess = step(model + random.gauss(0, GUESS[arm]))
            fields = [text(guess), str(random.randint(1, 5)), str(random.randint(2, 5)), text(step(own + lean * (model - own)))]
        print(",".join([f"p{person}", arm, str(item), text(model), text(TRUE[item]), *fields, str(sure)]))
