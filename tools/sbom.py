"""Writes the software bill of materials as CycloneDX: `make sbom`.

It lists the packages of requirements.txt with the licences from the metadata of installed packages.
The output is reproducible for the same lock file and environment.
"""

import argparse
import sys
import uuid
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from lockfile import LOCK, parse_lock
from packageurl import PackageURL
from timestamps import commit_time

NAMESPACE = uuid.UUID("1b7f2d0c-6f0e-5f0b-9a39-7d4a3a2c9b11")


def licences(name):
    """Return the licences in a package's metadata; an empty list if it is not installed."""
    try:
        package = metadata(name)
    except PackageNotFoundError:
        return []
    if expression := package["License-Expression"]:
        return [LicenseExpression(expression)]
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in package.get_all("Classifier") or ()
        if text.startswith("License :: ") and text != "License :: OSI Approved"
    ]
    names = [line for line in (package["License"] or "").splitlines()[:1] if 0 < len(line) < 80]
    return [DisjunctiveLicense(name=text) for text in dict.fromkeys(classifiers or names)]


def component(pin):
    return Component(
        type=ComponentType.LIBRARY,
        name=pin.name,
        version=pin.version,
        purl=PackageURL("pypi", name=pin.name.lower(), version=pin.version),
        bom_ref=f"{pin.name}=={pin.version}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in pin.hashes],
        licenses=licences(pin.name),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--lock", type=Path, default=LOCK)
    parser.add_argument("--program-version", default=metadata("streaming-system")["Version"])
    options = parser.parse_args()
    pins = parse_lock(options.lock)
    digest = sha256(options.lock.read_bytes()).hexdigest()
    bom = Bom(serial_number=uuid.uuid5(NAMESPACE, digest))
    bom.metadata.timestamp = commit_time()
    application = Component(
        type=ComponentType.APPLICATION,
        name="streaming-system",
        version=options.program_version,
        bom_ref="streaming-system",
        licenses=licences("streaming-system"),
    )
    bom.metadata.component = application
    components = [component(pin) for pin in pins]
    bom.components.update(components)
    bom.register_dependency(application, components)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    options.target.parent.mkdir(parents=True, exist_ok=True)
    options.target.write_text(text + "\n", encoding="utf-8")
    unlicensed = [part.name for part in components if not part.licenses]
    print(f"Wrote {options.target}: {len(components)} packages")
    if unlicensed:
        print(f"not installed here, so without a licence: {', '.join(unlicensed)}", file=sys.stderr)


if __name__ == "__main__":
    main()
