"""What every test starts from: one torch thread, no screen, settings of its own, no network."""

import os
import tempfile

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny networks run ten times slower on two oversubscribed threads
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="paintdiff-tests-")  # not whoever runs the tests' own theme

# On a machine that does other work too, a slow example is no fault.
settings.register_profile("paintdiff", deadline=None)
settings.load_profile("paintdiff")
