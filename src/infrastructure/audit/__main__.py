"""The auditor as a process of its own: a request as JSON on stdin, the report as JSON on stdout.

It yields the processor to everybody else, as whoever trades comes first. An audit that cannot be made exits with 2 and
one line on stderr.
"""

import json
import os
import sys
from dataclasses import asdict

from src.infrastructure.audit.auditor import run_audit
from src.infrastructure.audit.records import AuditFailure
from src.infrastructure.audit.request import AuditRequest

NICENESS = 15
CANNOT = 2


def main() -> int:
    """Audit once; the exit code."""
    os.nice(NICENESS)
    request = AuditRequest.of_document(json.load(sys.stdin))
    try:
        report = run_audit(request)
    except AuditFailure as failure:
        print(failure, file=sys.stderr)
        return CANNOT
    json.dump(asdict(report), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
