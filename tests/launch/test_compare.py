"""launch.compare as a process."""

import shutil

import matplotlib.image

from tests.launch import launcher


def test_two_runs_are_a_table_and_a_picture(trained, tmp_path):
    workdir, other = trained[0], tmp_path / "other"
    shutil.copytree(workdir, other)
    picture = tmp_path / "new" / "curves.png"
    status, output = launcher.run_anew("compare", workdir, other, f"--output={picture}")
    assert status == 0, output
    assert output.startswith("digits, threshold, rows (T=8, D=8): 1,297 / 250 / 250 sequences; likelihoods in nats")
    (line,) = [line for line in output.splitlines() if line.startswith("test NLL, L_K, K=2, M=1, 50 sequences")]
    assert line.count("<= ") == 2
    assert output.startswith(picture.with_suffix(".txt").read_text())
    assert matplotlib.image.imread(picture)[..., :3].std() > 0.01
