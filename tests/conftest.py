"""What every test starts from: one torch thread, no screen, settings and models of its own, no network."""

import os
import tempfile

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny networks run ten times slower on two oversubscribed threads
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="paintdiff-tests-")  # not whoever runs the tests' own theme
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="paintdiff-tests-")
for _name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_ENDPOINT"):
    os.environ.pop(_name, None)

# On a machine that does other work too, a slow example is no fault.
settings.register_profile("paintdiff", deadline=None)
settings.load_profile("paintdiff")
