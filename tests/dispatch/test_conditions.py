from devicehub.dispatch.conditions import ConditionsReader
from devicehub.runs.start import StartState
from tests.dispatch.samples import header

IDENTIFIED = {"at_start": StartState(battery_percent=80, battery_temp_mc=30_000)}

SAMPLES = (
    b"fast\tup=1\tmem_kb=900\tzone.cpu=40000\n"
    b"fast\tup=2\tmem_kb=700\tzone.cpu=52000\tzone.skin=38000\n"
    b"battery\tup=2\tbattery.capacity=79\n"
    b"fast\tup=3\tmem_kb=800\tzone.cpu=45000\n"
)


def test_start_end_and_extremes_over_the_run() -> None:
    reader = ConditionsReader(header(**IDENTIFIED, adb_server=41, adb_burst=True))
    for byte in SAMPLES:
        reader.feed(bytes([byte]))
    conditions = reader.finish()
    temps_mc = (conditions.temp_mc_start, conditions.temp_mc_highest, conditions.temp_mc_end)
    assert temps_mc == (40000, 52000, 45000)
    assert (conditions.battery_percent_start, conditions.battery_percent_end) == (79, 79)
    assert (conditions.mem_available_kib_lowest, conditions.samples) == (700, 4)
    assert (conditions.adb_server, conditions.adb_burst) == (41, True)


def test_without_samples_the_battery_at_identification_stands_for_the_start() -> None:
    conditions = ConditionsReader(header(**IDENTIFIED)).finish()
    assert (conditions.temp_mc_start, conditions.temp_mc_end) == (30000, None)
    assert (conditions.battery_percent_start, conditions.samples) == (80, 0)
    assert conditions.mem_available_kib_lowest is None
