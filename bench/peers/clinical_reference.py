"""Reference figures of classifiers, from scikit-learn, statsmodels, SciPy and confidenceinterval.

Usage: python clinical_reference.py OUT_DIR   (writes clinical-peers.json)

Needs scikit-learn, statsmodels, scipy and confidenceinterval. Made cases: few of a class, many ties, a class that never
occurs, one class alone. Probabilities are whole numbers over a common unit, so that both sides read the same. What a peer
leaves undefined is null. Where no peer has a figure (curves on a grid, net benefit, thresholds by a rule) it is worked out
here from scikit-learn's curves and confusion matrices.
"""

import json
import math
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from confidenceinterval import delong
from scipy import optimize, stats
from scipy.special import expit, log_softmax
from sklearn import metrics as sk
from sklearn.calibration import _TemperatureScaling
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

warnings.filterwarnings("ignore")
RANDOM = np.random.default_rng(20261128)
RESAMPLES = 20_000


def answers(labels, classes, unit, skill):
    """Rows of whole numbers that sum to unit, higher for the true class by skill."""
    logits = RANDOM.normal(size=(len(labels), classes)) + skill * np.eye(classes)[labels]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    whole = np.floor(shares * unit).astype(int)
    whole[np.arange(len(labels)), whole.argmax(1)] += unit - whole.sum(1)
    return whole


def sets():
    three = RANDOM.choice(3, 80, p=[0.5, 0.3, 0.2])
    yield "three classes", three, answers(three, 3, 1000, 1.2), 1000
    four = RANDOM.choice(4, 70)
    yield "four classes, many ties", four, answers(four, 4, 8, 1.0), 8
    rare = (np.arange(120) % 9 == 0).astype(int)
    yield "two classes, one rare", rare, answers(rare, 2, 200, 1.0), 200
    absent = RANDOM.choice([0, 2], 40)
    yield "three classes, one absent", absent, answers(absent, 3, 50, 1.0), 50
    alone = np.ones(9, int)
    yield "one class alone", alone, answers(alone, 3, 20, 1.0), 20


def number(value):
    value = float(value)
    return value if math.isfinite(value) else None


def share(part, whole):
    return part / whole if whole else None


def binary_figures(positive, called):
    tn, fp, fn, tp = (int(count) for count in sk.confusion_matrix(positive, called, labels=[0, 1]).ravel())
    return {
        "counts": {"truePositives": tp, "falsePositives": fp, "falseNegatives": fn, "trueNegatives": tn},
        "sensitivity": share(tp, tp + fn),
        "specificity": share(tn, tn + fp),
        "ppv": share(tp, tp + fp),
        "npv": share(tn, tn + fn),
    }


def class_figures(labels, predictions, scores, k):
    positive, called = (labels == k).astype(int), (predictions == k).astype(int)
    figures = binary_figures(positive, called)
    figures.pop("counts")
    both = 0 < positive.sum() < len(positive)
    return {
        **figures,
        "f1": number(sk.f1_score(positive, called, zero_division=np.nan)),
        "auc": number(sk.roc_auc_score(positive, scores)) if both else None,
        "averagePrecision": number(sk.average_precision_score(positive, scores)) if positive.any() else None,
    }


def mean(values):
    values = [value for value in values if value is not None]
    return float(np.mean(values)) if values else None


def figures_of(labels, rows, unit):
    classes = rows.shape[1]
    probabilities, predictions = rows / unit, rows.argmax(1)
    every = list(range(classes))
    occurring = [k for k in every if (labels == k).any()]
    seen = [k for k in every if (labels == k).any() or (predictions == k).any()]
    per_class = [class_figures(labels, predictions, probabilities[:, k], k) for k in every]
    one = len(set(labels) | set(predictions)) == 1
    kappa = {} if one else {
        "kappa": number(sk.cohen_kappa_score(labels, predictions)),
        "kappaQuadratic": number(sk.cohen_kappa_score(labels, predictions, weights="quadratic", labels=every)),
    }
    overall = {
        "accuracy": sk.accuracy_score(labels, predictions),
        "balancedAccuracy": sk.recall_score(labels, predictions, labels=occurring, average="macro"),
        "f1Macro": sk.f1_score(labels, predictions, labels=seen, average="macro", zero_division=0),
        "aucMacro": mean(figures["auc"] for figures in per_class),
        "averagePrecisionMacro": mean(figures["averagePrecision"] for figures in per_class),
        "kappa": None,
        "kappaQuadratic": None,
        **kappa,
        "mcc": sk.matthews_corrcoef(labels, predictions),
        "logLoss": sk.log_loss(labels, probabilities, labels=every),
        "brier": float(((probabilities - np.eye(classes)[labels]) ** 2).sum(1).mean()),
    }
    return {"overall": {k: v if v is None else float(v) for k, v in overall.items()}, "perClass": per_class}


def stratified_intervals(labels, rows, unit):
    """Percentile intervals of resamples within classes: SciPy resamples each of several samples by itself."""
    predictions, scores = rows.argmax(1), rows[:, 0] / unit
    true_probability = rows[np.arange(len(labels)), labels] / unit
    parts = [np.flatnonzero(labels == k) for k in sorted(set(labels))]

    def measure(*drawn):
        at = np.concatenate(drawn)
        ranks = stats.rankdata(scores[at])
        first = len(drawn[0])
        rest = len(at) - first
        called = predictions[at] == 0
        return np.array(
            [
                (predictions[at] == labels[at]).mean(),
                -np.log(true_probability[at]).mean(),
                (ranks[:first].sum() - first * (first + 1) / 2) / (first * rest),
                called[:first].sum() / called.sum(),
            ]
        )

    found = stats.bootstrap(
        parts, measure, n_resamples=RESAMPLES, method="percentile", vectorized=False, rng=np.random.default_rng(3)
    )
    low, high = found.confidence_interval
    names = ["accuracy", "logLoss", "0 auc", "0 ppv"]
    return {name: [float(low[at]), float(high[at])] for at, name in enumerate(names)}


def line_of(positive, probability):
    clipped = np.clip(probability, 2**-24, 1 - 2**-24)
    logit = np.log(clipped / (1 - clipped))
    family = sm.families.Binomial()
    fit = dict(tol=1e-14, maxiter=200)
    both = sm.GLM(positive, sm.add_constant(logit), family=family).fit(**fit)
    alone = float(sm.GLM(positive, np.ones(len(positive)), family=family, offset=logit).fit(**fit).params[0])
    shift = optimize.brentq(lambda by: expit(by + logit).sum() - positive.sum(), -40, 40, xtol=1e-15, rtol=1e-14)
    # Where a case's probability is 0 and its truth 1, the regression runs away.
    assert abs(alone - shift) < 1e-9 or abs(alone) > 40
    return {"inTheLarge": shift, "intercept": float(both.params[0]), "slope": float(both.params[1])}


def line_intervals(labels, rows, unit):
    """Percentile intervals of the slope and of both intercepts of class 0, resamples drawn within classes."""
    positive, probability = (labels == 0).astype(int), np.clip(rows[:, 0] / unit, 2**-24, 1 - 2**-24)
    logit = np.log(probability / (1 - probability))
    parts = [np.flatnonzero(labels == k) for k in sorted(set(labels))]

    def measure(*drawn):
        at = np.concatenate(drawn)
        y, x = positive[at], logit[at]
        both = sm.Logit(y, sm.add_constant(x)).fit(disp=0).params
        alone = optimize.brentq(lambda by: expit(by + x).sum() - y.sum(), -40, 40)
        return np.array([alone, *both])

    found = stats.bootstrap(
        parts, measure, n_resamples=6000, method="percentile", vectorized=False, rng=np.random.default_rng(4)
    )
    low, high = found.confidence_interval
    return {name: [float(low[at]), float(high[at])] for at, name in enumerate(["inTheLarge", "intercept", "slope"])}


def temperature_of(labels, logits):
    def slope(sharpness):
        log_p = log_softmax(sharpness * logits, axis=1)
        mean_logit = (np.exp(log_p) * logits).sum(1)
        return float((mean_logit - logits[np.arange(len(labels)), labels]).mean())

    root = optimize.brentq(slope, 1e-6, 1e3, xtol=1e-15, rtol=1e-14)
    peer = _TemperatureScaling().fit(logits, labels)
    return {"temperature": 1 / root, "sklearn": float(1 / peer.beta_)}


def threshold_of(positive, scores, rule):
    fpr, tpr, thresholds = sk.roc_curve(positive, scores, drop_intermediate=False)
    positives, negatives = int(positive.sum()), int((1 - positive).sum())
    hits, alarms = np.rint(tpr * positives).astype(int), np.rint(fpr * negatives).astype(int)
    # roc_curve goes from the highest threshold down, and argmax takes the first.
    if rule["kind"] == "youden":
        worth = hits * negatives - alarms * positives
    elif rule["kind"] == "sensitivity":
        worth = np.where(tpr >= rule["atLeast"], -alarms, -(10**9))
    elif rule["kind"] == "specificity":
        worth = np.where(1 - fpr >= rule["atLeast"] - 1e-12, hits, -(10**9))
    else:
        share_of = rule.get("prevalence", positives / (positives + negatives))
        worth = -(rule["falsePositive"] * (1 - share_of) * fpr + rule["falseNegative"] * share_of * (1 - tpr))
        worth = np.round(worth, 12)
    return number(thresholds[int(np.argmax(worth))])


RULES = [
    {"kind": "youden"},
    {"kind": "sensitivity", "atLeast": 0.9},
    {"kind": "specificity", "atLeast": 0.8},
    {"kind": "cost", "falsePositive": 1, "falseNegative": 5},
    {"kind": "cost", "falsePositive": 1, "falseNegative": 5, "prevalence": 0.02},
]


def operating(labels, rows, unit, k):
    """Thresholds from the even cases, measured on the odd ones."""
    positive, scores = (labels == k).astype(int), rows[:, k] / unit
    points = []
    for rule in RULES:
        threshold = threshold_of(positive[::2], scores[::2], rule)
        limit = math.inf if threshold is None else threshold
        points.append({"rule": rule, "threshold": threshold, **binary_figures(positive[1::2], scores[1::2] >= limit)})
    return points


GRID = [step / 20 for step in range(21)]


def curves(positive, scores):
    fpr, tpr, _ = sk.roc_curve(positive, scores, drop_intermediate=False)
    sensitivity = []
    for rate in GRID:
        exact = tpr[fpr == rate]
        sensitivity.append(float(exact.max()) if len(exact) else float(np.interp(rate, fpr, tpr)))
    precision, recall, _ = sk.precision_recall_curve(positive, scores)
    # From the lowest threshold up; the last point is a convention and no threshold.
    precision, recall = precision[:-1], recall[:-1]
    reached = [float(precision[np.flatnonzero(recall >= want)[-1]]) for want in GRID]
    return {"roc": sensitivity, "precisionRecall": reached}


def net_benefit(positive, scores):
    thresholds = [0.05, 0.1, 0.25, 0.5, 0.75, 0.995]
    prevalence = positive.mean()
    model, everybody = [], []
    for threshold in thresholds:
        odds = threshold / (1 - threshold)
        counts = binary_figures(positive, scores >= threshold)["counts"]
        model.append((counts["truePositives"] - counts["falsePositives"] * odds) / len(positive))
        everybody.append(float(prevalence - (1 - prevalence) * odds))
    return {"thresholds": thresholds, "model": model, "treatAll": everybody}


def delong_of(positive, first, second):
    """By definition, over all pairs; confidenceinterval's midranks, in fp32, have positives first and agree."""
    above = [np.heaviside(s[positive == 1][:, None] - s[positive == 0][None], 0.5) for s in (first, second)]
    auc = np.array([shares.mean() for shares in above])
    by_positive, by_negative = (np.cov([shares.mean(axis) for shares in above]) for axis in (1, 0))
    covariance = by_positive / positive.sum() + by_negative / (1 - positive).sum()
    order = np.argsort(-positive, kind="stable")
    peer = delong.fastDeLong(np.vstack([first, second])[:, order], int(positive.sum()), None)
    assert np.allclose(peer[0], auc, atol=1e-6) and np.allclose(peer[1], covariance, atol=1e-6)
    contrast = np.array([1.0, -1.0])
    variance = float(contrast @ covariance @ contrast)
    z = float((auc[0] - auc[1]) / math.sqrt(variance)) if variance > 0 else None
    return {
        "auc": [float(a) for a in auc],
        "covariance": covariance.tolist(),
        "z": z,
        "p": None if z is None else float(2 * stats.norm.sf(abs(z))),
    }


def pairs():
    labels = (np.arange(90) % 3 == 0).astype(int)
    base = RANDOM.normal(size=90) + labels
    other = base + RANDOM.normal(size=90)
    yield "fine scores", labels, np.round(base, 6), np.round(other, 6)
    yield "many ties", labels, np.round(base), np.round(other)
    yield "unrelated scores", labels, np.round(base, 6), np.round(RANDOM.normal(size=90), 6)
    yield "few positives", (np.arange(90) < 2).astype(int), np.round(base, 1), np.round(other, 1)


def mcnemar_of(first_only, second_only):
    table = [[30, first_only], [second_only, 7]]
    exact = first_only + second_only < 25
    found = mcnemar(table, exact=exact, correction=True)
    return {
        "firstOnly": first_only,
        "secondOnly": second_only,
        "method": "exact-binomial" if exact else "chi-squared",
        "statistic": None if exact else float(found.statistic),
        "p": float(found.pvalue),
    }


def localisation():
    map_ = np.round(RANDOM.random((9, 12)), 1)
    mask = np.zeros((9, 12), int)
    mask[2:6, 3:8] = 1
    rows, columns = (np.arange(9) + 0.5) / 9 - 0.5, (np.arange(12) + 0.5) / 12 - 0.5
    centre = np.exp(-((rows[:, None] / 0.25) ** 2 + (columns[None] / 0.25) ** 2) / 2)
    figures = {}
    for name, values in (("maps", map_), ("centre", centre)):
        figures[name] = {
            "insideShare": float(values[mask == 1].sum() / values.sum()),
            "auc": float(sk.roc_auc_score(mask.ravel(), np.round(values.ravel(), 12))),
        }
    return {"height": 9, "width": 12, "map": map_.ravel().tolist(), "mask": mask.ravel().tolist(), **figures}


def classification():
    cases = []
    for name, labels, rows, unit in sets():
        case = {"name": name, "unit": unit, "labels": labels.tolist(), "rows": rows.tolist()}
        case.update(figures_of(labels, rows, unit))
        if name in ("three classes", "four classes, many ties", "two classes, one rare"):
            each = range(rows.shape[1])
            case["operating"] = [operating(labels, rows, unit, k) for k in each]
            case["curves"] = [curves((labels == k).astype(int), rows[:, k] / unit) for k in each]
            case["decision"] = [net_benefit((labels == k).astype(int), rows[:, k] / unit) for k in each]
            case["lines"] = [line_of((labels == k).astype(int), rows[:, k] / unit) for k in each]
            logits = np.log(np.clip(rows / unit, 1e-3, 1))
            case["temperature"] = temperature_of(labels, logits)
        if name in ("three classes", "two classes, one rare"):
            case["intervals"] = stratified_intervals(labels, rows, unit)
            case["lineIntervals"] = line_intervals(labels, rows, unit)
        cases.append(case)
    return cases


def main():
    tails = [0.0, 0.01, 0.3, 1.0, 1.959963984540054, 2.5, 2.8, 2.9, 3.5, 6.0, 12.0, 30.0]
    tests = [0.012, None, 0.001, 0.04, 0.3, 0.012, 0.9]
    given = [p for p in tests if p is not None]
    peers = {
        "versions": {name: version(name) for name in ("scikit-learn", "statsmodels", "scipy", "confidenceinterval")},
        "grid": GRID,
        "classification": classification(),
        "delong": [
            {
                "name": name,
                "positive": labels.tolist(),
                "first": first.tolist(),
                "second": second.tolist(),
                **delong_of(labels, first, second),
            }
            for name, labels, first, second in pairs()
        ],
        "mcnemar": [mcnemar_of(*pair) for pair in [(0, 0), (3, 3), (1, 9), (14, 10), (15, 10), (40, 21), (90, 2)]],
        "holm": {"p": tests, "adjusted": multipletests(given, method="holm")[1].tolist()},
        "normal": [[z, float(2 * stats.norm.sf(z))] for z in tails],
        "chiSquared": [[z * z, float(stats.chi2.sf(z * z, 1))] for z in tails],
        "wilson": [
            [hits, n, *(float(end) for end in proportion_confint(hits, n, method="wilson"))]
            for hits, n in [(8, 10), (0, 12), (12, 12), (1, 300), (150, 300)]
        ],
        "localisation": localisation(),
    }
    # A line for each part, and for each case of the first.
    parts = []
    for name, part in peers.items():
        text = json.dumps(part, separators=(",", ":"))
        if name in ("classification", "delong"):
            text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in part) + "\n]"
        parts.append(f'"{name}":{text}')
    (Path(sys.argv[1]) / "clinical-peers.json").write_text("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
