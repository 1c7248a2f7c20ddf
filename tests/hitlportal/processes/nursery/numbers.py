"""A program that draws numbers from every source of chance that the portal uses."""

import random
import secrets
import sys
import time

import uuid_utils

drawn = (random.random(), secrets.token_hex(8), uuid_utils.uuid7().hex[-12:], uuid_utils.uuid4())
sys.stdout.write(" ".join(str(each) for each in drawn) + "\n")
sys.stdout.flush()
if "--stay" in sys.argv:
    time.sleep(60)
