"""The paper's numbers, against its tables typed once more."""

from sisrnn_tf.reproduction import published

TABLE_1 = """
DBN 2hl|≈ 84.55
NADE|88.33
EoNADE-5 2hl|84.68
DLGM 8|≈ 85.51
DARN 1hl|≈ 84.13
DRAW|≤ 80.97
PixelVAE|≈ 79.02
P-Forcing (3-layers)|79.58
PixelRNN (1-layer)|80.75
PixelRNN (7-layers)|79.20
MatNets|78.50
Z-Forcing (1-layer)|≤ 80.60
Z-Forcing (1-layer) + aux|≤ 80.09
TwinNet (3-layers)|≤ 79.12
VRNN (1-layer)|≤ 74.15
SIS-RNN (1-layer) 64|71.90
SIS-RNN (1-layer) 128|70.57
"""
TABLE_2 = """
RNN|-1358
VRNN|≤ -1384
WaveNet|-1021
SWaveNet|≤ -1301
STCN|≤ -1338
STCN-dense|≤ -1796
SIS-RNN (1-layer)|-1973
"""
TABLE_3 = """
Yahoo|VAE-LSTM|337.3|68.31|0.0
Yahoo|VAE-Transformer|328.6|61.6|0.7
Yahoo|SA-VAE|327.2|60.1|5.2
Yahoo|SIS-RNN|326.7|59.8|4.2
PTB|VAE-LSTM|102.1|105.2|0.0
PTB|VAE-Transformer|101.5|102.4|0.2
PTB|Cyclic-VAE|103.1|110.5|3.5
PTB|SA-VAE|102.6|107.1|1.2
PTB|SIS-RNN|101.2|101.8|1.6
"""


def lines(table):
    return [tuple(line.split("|")) for line in table.strip().splitlines()]


def of(number):
    return [entry for entry in published.load() if entry.table == number]


def test_every_number_is_there_with_the_papers_own_sign():
    assert [(entry.model, entry.text) for entry in of(1)] == lines(TABLE_1)
    assert [(entry.model, entry.text) for entry in of(2)] == lines(TABLE_2)
    received = [(entry.dataset, entry.model, entry.text, str(entry.ppl), str(entry.kl)) for entry in of(3)]
    assert received == lines(TABLE_3)
    assert len(published.load()) == 17 + 7 + 9


def test_each_number_has_a_source_and_a_bound_called_exact_a_note():
    for entry in published.load():
        assert entry.source.startswith(f"Table {entry.table} of the paper")
        assert isinstance(entry.nll, float | int) and entry.mark in published.MARKS
    latent = ("SIS-RNN", "VAE", "MatNets")
    called_exact = [entry for entry in published.load() if entry.mark == "exact"]
    for entry in called_exact:
        assert any(name in entry.model for name in latent) == (entry.note is not None), entry
