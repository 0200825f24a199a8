"""The parts of scripts/bench. A part is a module here with a docstring, whose
first line --list shows, prepare(bench), which makes what it needs and is
fast when that is there, and run(bench), which measures.
Part modules import no installed package at their top."""
