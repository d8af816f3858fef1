"""From the runs of an ablation to its table: means, differences to LoRA paired by seed, and their 95 % intervals.

Seeds pair the runs: with the same seed each variant sees the same blocks in the same order. The interval is Student's,
mean +- t(n-1) s / sqrt(n), for few differences and unknown spread. It speaks of other seeds; of another base or
another text it says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

__all__ = ["interval", "summary", "t_quantile", "table"]

_COLUMNS = (
    "variant", "rate", "trained", "n", "test loss", "of base", "minus lora [95 %]", "exported - trained", "CPU s",
)  # fmt: skip


def t_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's distribution with so many degrees of freedom, at least 1.

    >>> round(t_quantile(2), 4), round(t_quantile(9), 4)
    (4.3027, 2.2622)
    """
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom)
    constant /= math.sqrt(math.pi)

    def above_the_mean(angle: float) -> float:
        """Simpson's rule for the probability of 0 < t < sqrt(freedom) tan(angle): the tangent makes it bounded."""
        parts = 200
        heights = [math.cos(angle * k / parts) ** (freedom - 1) for k in range(parts + 1)]
        whole = heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])
        return constant * math.sqrt(freedom) * whole * angle / parts / 3

    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above_the_mean(middle) < 0.475 else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean of two or more values, and the two ends of its 95 % interval.

    >>> [round(x, 4) for x in interval([1.0, 2.0, 3.0])]
    [2.0, -0.4841, 4.4841]
    """
    centre = mean(values)
    reach = t_quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return centre, centre - reach, centre + reach


def summary(rows: Sequence[Mapping[str, Any]], tuning: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry a variant, in the order of the rows: what its runs and their differences to LoRA's come to.

    rows: a variant and seed each. tuning: the runs that the rates were chosen by, a variant and rate each.
    """
    lora = {row["seed"]: row["test_loss"] for row in rows if row["variant"] == "lora"}
    base = {row["seed"]: row["base_test_loss"] for row in rows}
    entries = []
    for variant in dict.fromkeys(row["variant"] for row in rows):
        runs = [row for row in rows if row["variant"] == variant]
        losses = [run["test_loss"] for run in runs]
        rates = [run["rate"] for run in tuning if run["variant"] == variant]
        entries.append(
            {
                "variant": variant,
                "n": len(runs),
                "rate": runs[0]["rate"],
                "rate_at_edge": len(rates) > 1 and runs[0]["rate"] in (min(rates), max(rates)),
                "trainable": runs[0]["trainable"],
                "test_loss_mean": mean(losses),
                "test_loss_sd": stdev(losses),
                "change_percent": mean(100 * (run["test_loss"] / base[run["seed"]] - 1) for run in runs),
                "minus_lora": _interval([run["test_loss"] - lora[run["seed"]] for run in runs]),
                "exported_minus_trained": _interval([run["exported_test_loss"] - run["test_loss"] for run in runs]),
                "cpu_seconds": mean(run["cpu_seconds"] for run in runs),
            }
        )
    return entries


def _interval(values: Sequence[float]) -> dict[str, float]:
    centre, low, high = interval(values)
    return {"mean": centre, "low": low, "high": high}


def table(result: Mapping[str, Any]) -> str:
    """The ablation as a table in Markdown, with what must be known to read it."""
    config, tokens = result["config"], result["tokens"]
    lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS)), *(_line(_cells(entry)) for entry in result["summary"])]
    notes = (
        f"{config['steps']} steps, {config['batch']} blocks of {config['block']} tokens: {tokens['trained']:,} tokens "
        f"of {config['domain']}, in the same order for each variant of a seed; base {result['base']['name']}, "
        f"{config['quantization']}, computed in {config['dtype']}.\n"
        f"Rates: of {', '.join(f'{rate:g}' for rate in result['rates'])}, the same number of tries for each variant, "
        f"by the loss on {tokens['validation']:,} tokens of other documents than the {tokens['test']:,} of the test, "
        f"with seed {result['seeds'][0]}; one rate for all that a variant trains.\n"
        "minus lora: difference of the test losses (nats a token), paired by seed, below 0 is better; Student's "
        "interval over seeds, not corrected for the number of variants. exported: merged in float32, rounded to "
        f"{config['export_dtype']}, a plain model.\n"
    )
    if any(entry["rate_at_edge"] for entry in result["summary"]):
        notes += "\\* the chosen rate is at an end of the grid: a better one may lie beyond it.\n"
    return "\n".join([*lines, "", notes])


def _cells(entry: Mapping[str, Any]) -> list[str]:
    difference, exported = entry["minus_lora"], entry["exported_minus_trained"]
    rate = "" if entry["rate"] is None else f"{entry['rate']:g}{'*' if entry['rate_at_edge'] else ''}"
    against = f"{difference['mean']:+.4f} [{difference['low']:+.4f}, {difference['high']:+.4f}]"
    return [
        entry["variant"],
        rate,
        f"{entry['trainable']:,}",
        str(entry["n"]),
        f"{entry['test_loss_mean']:.4f} ± {entry['test_loss_sd']:.4f}",
        f"{entry['change_percent']:+.1f} %",
        "" if entry["variant"] == "lora" else against,
        f"{exported['mean']:+.4f}",
        f"{entry['cpu_seconds']:.1f}",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
