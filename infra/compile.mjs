// Compiles the Python files of the working directory with Pyodide's CPython, where no other Python
// of that version is at hand. The argument is the folder that tracebacks shall name.
import { loadPyodide } from 'pyodide';

const python = await loadPyodide();
python.FS.mkdir('/bundle');
python.mountNodeFS('/bundle', process.cwd());
python.globals.set('task_folder', process.argv[2]);
python.runPython(`
import compileall
from py_compile import PycInvalidationMode

compileall.compile_dir(
    "/bundle",
    quiet=2,
    stripdir="/bundle",
    prependdir=task_folder,
    invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
)
`);
