#!/bin/sh
# What the Lambda Web Adapter starts instead of a handler: the web app, on the port that the adapter calls.
export PYTHONPATH="/opt/python:${LAMBDA_RUNTIME_DIR:-/var/runtime}${PYTHONPATH:+:$PYTHONPATH}"
exec python3 -m uvicorn handler:app --app-dir "${LAMBDA_TASK_ROOT:-.}" --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" --no-access-log
