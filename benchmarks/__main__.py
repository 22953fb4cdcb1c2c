"""`python -m benchmarks [NAME ...]` (or `make bench ARGS=NAME`): run the benchmarks, all by default.

What follows a name and begins with a dash is handed to that benchmark: `recognition --limit 20`.
"""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """The benchmarks there are: modules, and packages that can be run."""
    modules = [path for path in HERE.glob("*.py") if not path.stem.startswith("_")]
    return sorted(
        [*(path.stem for path in modules), *(path.parent.name for path in HERE.glob("*/__main__.py"))]
    )


def asked(words: list[str]) -> tuple[list[str], list[str]]:
    """Names of benchmarks, and the options for them: everything from the first dash on."""
    first = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    return words[:first], words[first:]


def main() -> int:
    """Run what is asked for; 2 for an unknown name."""
    given, options = asked(sys.argv[1:])
    wanted = given or names()
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"No benchmark {', '.join(sorted(unknown))}. There are: {', '.join(names())}.")
        return 2
    for name in wanted:
        sys.argv = [name, *options]
        try:
            runpy.run_module(f"benchmarks.{name}", run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
