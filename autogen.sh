#!/bin/sh
# Make configure and the Makefile.in files from their sources.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all
