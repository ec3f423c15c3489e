"""Put two workers behind nginx, with the very configuration of `deploy/`."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.harness import ROOT, Server, free_port, running, serving
from ui.server import WORKER

DEPLOY = ROOT / "deploy"
NO_NGINX = "There is no nginx here. Install your system's (Debian, Ubuntu: apt-get install nginx)."
# As in the Dockerfile; a file saved during a test leaves the pages alone.
QUIET = ("--server.fileWatcherType", "none")


@dataclass(frozen=True, slots=True)
class Hosted:
    """Workers behind nginx: the address readers use, and the servers by their names."""

    url: str
    workers: dict[str, Server]


def nginx_path() -> str | None:
    """Return the nginx to use, or None; Debian keeps it where only root's shell looks."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def configuration(port: int, workers: dict[str, int]) -> str:
    """Return deploy/nginx.conf with this machine's ports in the place of the containers'.

    Raises:
        AssertionError: The file names its places otherwise than expected.
    """
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    places = {"listen 8080;": f"listen 127.0.0.1:{port};"}
    places |= {
        f"server worker-{name}:8501": f"server 127.0.0.1:{own}" for name, own in workers.items()
    }
    for there, here in places.items():
        assert there in text, f"{there} is not in deploy/nginx.conf"
        text = text.replace(there, here)
    assert "8501" not in text, "deploy/nginx.conf has more workers than expected"
    return text


def nginx(folder: Path, *arguments: str) -> list[str]:
    """Return the command that runs nginx on ``folder/nginx.conf``; its files go to the folder.

    Raises:
        FileNotFoundError: There is no nginx.
    """
    path = nginx_path()
    if path is None:
        raise FileNotFoundError(NO_NGINX)
    return [path, "-p", f"{folder}/", "-c", str(folder / "nginx.conf"), *arguments]


def check(folder: Path) -> str:
    """Let nginx read ``folder/nginx.conf``; return what it says.

    Raises:
        subprocess.CalledProcessError: It finds the file wrong.
    """
    done = subprocess.run(nginx(folder, "-t"), capture_output=True, text=True, check=True)
    return done.stderr


@contextmanager
def hosted(*, environment: Mapping[str, str] | None = None) -> Iterator[Hosted]:
    """Serve the app from two workers behind nginx until the block ends.

    Args:
        environment: What to add to that of the workers.

    Raises:
        FileNotFoundError: There is no nginx.
        RuntimeError: Something does not serve; with its log.
    """
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(
                serving("app.py", *QUIET, environment={**(environment or {}), WORKER: name})
            )
            for name in ("one", "two")
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)  # Started by root, nginx works as somebody else.
        port = free_port()
        ports = {name: int(worker.url.rpartition(":")[2]) for name, worker in workers.items()}
        (folder / "nginx.conf").write_text(configuration(port, ports), "utf-8")
        proxy = stack.enter_context(running(nginx(folder, "-g", "daemon off;"), port))
        yield Hosted(proxy.url, workers)
