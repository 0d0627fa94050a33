"""The designs: what a row's key is."""

from aliquot._checks import check_bool, check_choice

WEIGHTED = ("successive", "priority")
"""Keys by weight, with known inclusion probabilities; without weights both are ``UNIFORM``."""

UNIFORM = "uniform"

NON_PROBABILITY = ("quota", "first")
"""The key is the row number: what comes first is kept, of each stratum or at all."""

DESIGNS = (*WEIGHTED, *NON_PROBABILITY)


def design_in_use(design: str, *, weighted: bool, stratified: bool, replace: bool) -> str:
    """The design asked for, which is "uniform" without weights. ValueError for what does not go together."""
    check_choice("design", design, DESIGNS)
    if check_bool("replace", replace) and design == "priority":
        raise ValueError("design: must be 'successive' with replace, as draws are independent, got 'priority'")
    if replace and design in NON_PROBABILITY:
        raise ValueError(f"replace: must be False with design {design!r}, which draws nothing, got True")
    if design == "quota" and not stratified:
        raise ValueError("design: must be 'first' without strata, got 'quota'")
    if design == "first" and stratified:
        raise ValueError("design: must be 'quota' with strata, got 'first'")
    if design in NON_PROBABILITY:
        if weighted:
            raise ValueError(f"design: must be 'successive' or 'priority' with weights, got {design!r}")
        return design
    return design if weighted else UNIFORM
