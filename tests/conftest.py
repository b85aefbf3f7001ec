"""What every test starts from: one torch thread, no screen, settings of its own, no network."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny networks run ten times slower on two oversubscribed threads
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
