"""What the page says of anomalies in German: its own words, and the sentences and actions of anomalies.

A place `{}` stands for what varies: names, numbers, and parts that are sentences themselves. The first pattern that
fits is taken, so what is more general stands further down.
"""

from __future__ import annotations

WORDS = {
    "Anomalies": "Auffälligkeiten",
    "No anomaly was seen.": "Nichts Auffälliges wurde gesehen.",
    "{} anomalies since {}: {} confirmed, {} muted; {} missed that a rule noticed": (
        "{} Auffälligkeiten seit {}: {} bestätigt, {} stummgeschaltet; {} übersehen, die eine Regel bemerkte"
    ),
    "{}. Of those judged, {} were right": "{}. Von den beurteilten waren {} richtig",
    "since": "seit",
    "state": "Zustand",
    "severity": "Schwere",
    "what": "was",
    "what to do": "was hilft",
    "active": "anhaltend",
    "over": "vorbei",
    "confirmed": "bestätigt",
    "muted": "stumm",
    "anomalies": "Auffälligkeiten",
    "record": "Trefferquote",
}

# In the dative, as they stand behind "seit" and "in".
SPANS = {
    "{} days": "{} Tagen",
    "{} hours": "{} Stunden",
    "{} minutes": "{} Minuten",
    "{} seconds": "{} Sekunden",
}

SENTENCES = {
    "severity {}: {}": "Schwere {}: {}",
    "1 more series is unusual at the same time": "eine weitere Reihe ist zugleich auffällig",
    "{} more series are unusual at the same time": "{} weitere Reihen sind zugleich auffällig",
    "{} series of this component are unusual together": "{} Reihen dieser Komponente sind zusammen auffällig",
    "the highest in {}": "so hoch wie seit {} nicht",
    "the lowest in {}": "so niedrig wie seit {} nicht",
    "the highest since yesterday": "so hoch wie seit gestern nicht",
    "the lowest since yesterday": "so niedrig wie seit gestern nicht",
    "it was hardly ever 0 in {}": "in {} war der Wert kaum je 0",
    "{} is missing although its collector is running: no reading for {}": (
        "{} fehlt, obwohl der Sammler läuft: keine Messung seit {}"
    ),
    "{} is stuck: exactly {} for {}, although it always changed before": (
        "{} steht still: genau {} seit {}, obwohl der Wert sich bisher immer änderte"
    ),
    "{} has risen steadily for {}, from {} to {} on average": "{} steigt seit {} stetig, im Mittel von {} auf {}",
    "{} has fallen steadily for {}, from {} to {} on average": "{} fällt seit {} stetig, im Mittel von {} auf {}",
    "{} is {}, its first event in {}": "{}: {}, das erste Ereignis seit {}",
    "{} is {}, expected {} at this time of day": "{}: {}, um diese Tageszeit erwartet {}",
    "{} is {}, expected {}": "{}: {}, erwartet {}",
    "{} is {}": "{}: {}",
}

ACTIONS = {
    "Find the processes that use the CPU: {}, or {}": "Die Prozesse finden, die rechnen: {} oder {}",
    "Compare with jobs and cron entries that started at that time": (
        "Mit Aufgaben und Cron-Einträgen vergleichen, die zu dieser Zeit begannen"
    ),
    "Find the processes that use the memory: {}": "Die Prozesse finden, die den Speicher belegen: {}",
    "Look for the kernel's out-of-memory killer: {}": "Nach Prozessen suchen, die der Kernel beendet hat: {}",
    "Find the processes that read and write: {}": "Die Prozesse finden, die lesen und schreiben: {}",
    "Check the health of the disks: {}": "Den Zustand der Platten prüfen: {}",
    "Find out who sends and receives: ss -tnp, or iftop": "Herausfinden, wer sendet und empfängt: ss -tnp oder iftop",
    "Check cable, switch port and errors: {}": "Kabel, Anschluss am Switch und Fehler prüfen: {}",
    "Check fans, dust and air flow": "Lüfter, Staub und Luftstrom prüfen",
    "Compare with the load and the temperature of the room": "Mit der Last und der Raumtemperatur vergleichen",
    "Find the component that draws it: {}": "Die Komponente finden, die ihn verbraucht: {}",
    "Compare with CPU and GPU use at that time": "Mit der Last von CPU und GPU zu dieser Zeit vergleichen",
    "See what runs on the GPU: {}": "Nachsehen, was auf der GPU läuft: {}",
    "Check throttling and fans: {}": "Drosselung und Lüfter prüfen: {}",
    "Find out which guest it is and what runs in it": "Herausfinden, welcher Gast es ist und was in ihm läuft",
    "Check whether guests were moved or restarted": "Prüfen, ob Gäste verschoben oder neu gestartet wurden",
    "Check the device in its app": "Das Gerät in seiner App ansehen",
    "Compare with sunshine and loads at that time": "Mit Sonne und Verbrauchern zu dieser Zeit vergleichen",
    "Read the log of the node": "Das Protokoll des Knotens lesen",
    "Check peers, disk space and whether the node is in sync": (
        "Peers und Plattenplatz prüfen, und ob der Knoten synchron ist"
    ),
    "Read the log of the model server": "Das Protokoll des Modellservers lesen",
    "Check queue length, batch size and GPU use": "Warteschlange, Batchgröße und GPU-Last prüfen",
    "Check the random source and the CPU load at that time": "Die Zufallsquelle und die CPU-Last zu dieser Zeit prüfen",
    "Look at this series and its neighbours at that time": "Diese Reihe und ihre Nachbarn zu dieser Zeit ansehen",
    "Look for what grows or wears a little every day: a leak, a log, dust, a fan, a battery": (
        "Suchen, was jeden Tag etwas wächst oder verschleißt: ein Leck, ein Protokoll, Staub, ein Lüfter, ein Akku"
    ),
    "Check that the sensor or its source still measures: {}": "Prüfen, ob der Sensor oder seine Quelle noch misst: {}",
    "Check that the source measures and the device is on: {}": (
        "Prüfen, ob die Quelle misst und das Gerät eingeschaltet ist: {}"
    ),
    "Check that the device or service is there: {}": "Prüfen, ob das Gerät oder der Dienst da ist: {}",
}

GERMAN = {**WORDS, "{}; {}": "{}; {}", **ACTIONS, **SENTENCES, **SPANS}
