"""What the suites share: where the servers are, and checks that print a line each."""
import contextlib
import datetime
import json
import os
import sys
import traceback

with open(os.environ["WEIR_E2E"], encoding="utf-8") as file:
    SITE = json.load(file)


def facts(server):
    """What the uploads have left on a server: see seed.py."""
    with open(os.path.join(SITE["dir"], f"facts-{server}.json"), encoding="utf-8") as f:
        return json.load(f)


def path(name):
    return os.path.join(SITE["dir"], name)


def real(value):
    """An input of the table of exceptions, with times as datetime."""
    if isinstance(value, dict):
        if set(value) == {"$time"}:
            return datetime.datetime.fromtimestamp(value["$time"], datetime.timezone.utc)
        return {k: real(v) for k, v in value.items()}
    if isinstance(value, list):
        return [real(v) for v in value]
    return value


class Suite:
    """Checks under one name. Call end at the end."""

    def __init__(self, name):
        self.name, self.count, self.failed = name, 0, 0

    def equal(self, what, got, want):
        self._tell(what, got == want, f"expected {short(want)}, got {short(got)}")

    def true(self, what, holds, got):
        """got is what the check was about: it is shown when it does not hold."""
        self._tell(what, bool(holds), f"got {short(got)}")

    def fails(self, what, call, kind, status=None, text=None):
        """call has to raise an error of which kind(error) holds. It returns the error."""
        try:
            answer = call()
        except Exception as error:  # every kind is looked at
            got = f"{type(error).__name__}: {error}"
            good = kind(error) and (text is None or text in str(error))
            if status is not None:
                got += f" with status {error.response['ResponseMetadata']['HTTPStatusCode']}"
                good = good and error.response["ResponseMetadata"]["HTTPStatusCode"] == status
            self._tell(what, good, f"got {short(got)}" + (f", expected the text {text!r}" if text else ""))
            return error
        self._tell(what, False, f"expected an error, got {short(answer)}")
        return None

    @contextlib.contextmanager
    def step(self, what):
        """A part whose errors are a failed check, and do not end the suite."""
        try:
            yield
        except Exception:
            self._tell(what, False, traceback.format_exc(limit=-3))

    def _tell(self, what, good, otherwise):
        self.count += 1
        if good:
            print(f"ok    {self.name}: {what}")
        else:
            self.failed += 1
            print(f"FAIL  {self.name}: {what}: {otherwise}")
        sys.stdout.flush()

    def end(self):
        if not self.count:
            self._tell("nothing was checked", False, "")
        sys.exit(1 if self.failed else 0)


def short(value):
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) < 1500 else text[:1500] + "..."
