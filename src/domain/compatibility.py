"""What the recordings of the former server show and a careful server would do otherwise.

Each field is one such peculiarity; all are off unless somebody needs the former behaviour to
the letter, which the replay of the recordings does (contract/README.md, ruling R10).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatibility:
    """Peculiarities of the former server that are reproduced."""

    refuse_unreadable_reports: bool = False
    """A time, price or list that cannot be read refuses the whole report (400) instead of being
    left out."""

    strict_registration: bool = False
    """Unknown fields, a `pool_id` and `null` for an optional field refuse a registration; agents
    of today send what they like (contract/real-agents.md 3)."""

    refuse_absent_body: bool = False
    """An agent's POST without a body is refused (415) instead of being taken as `{}`."""

    refuse_foreign_instance: bool = False
    """Registering from an instance that is another client's, or reporting a switch to it, is
    refused (400) instead of leaving that row alone."""

    deletion_is_not_final: bool = False
    """A deleted agent keeps its settings, disabled as they are, when it registers again, and its
    heartbeats bring it back."""

    registration_leaves_instances: bool = False
    """Registration writes no pool to a new instance row and does not touch a known one; what a
    recommendation tells about the current pool is then what that row knows."""

    registration_always_moves_primary: bool = False
    """Standbys and former instances take the primary pointer when they register or report a
    switch (policy P-6 off)."""

    keep_pool_on_heartbeat: bool = False
    """A heartbeat that changes mode or zone leaves the agent's pool as it was."""

    last_execution_report_wins: bool = False
    """A finished command takes over every later report, and `success: null` is stored as null."""

    former_switch_report_names: bool = False
    """Only `pricing` and the unprefixed time names are read from a switch report; what they do
    not give stays empty."""

    switch_report_touches_little: bool = False
    """A switch report does not complete or supersede commands, leaves type, region and zone of
    the agent, and neither links nor revives instance rows fully."""

    price_report_overwrites: bool = False
    """Prices missing from a report empty the instance's prices, nothing missing is completed from
    the agent, and neither mode nor current on-demand price is learned from a report."""

    termination_spares_instance: bool = False
    """A termination report does not close the instance that it names, and an explicit `null` as
    its reason is told as None."""

    missing_spot_price_is_free: bool = False
    """A missing spot price counts as 0 USD in a recommendation."""

    unknown_pool_hides_alternatives: bool = False
    """An agent without a current pool is offered no alternative pools."""

    commands_never_expire: bool = False
    """Pending commands are handed out whatever their age (policy P-3 off)."""

    rows_change_beneath: bool = False
    """Rows come and go beneath the server, as from one recording to the next, so it remembers none
    of the prices that it has put on record."""

    deletion_leaves_orphans: bool = False
    """Deleting a client leaves the rows of its agents that no foreign key ties to it: replicas,
    interruptions and the log of instance switches."""

    agent_list_knows_instances_only: bool = False
    """The operator's list of agents tells type, place and mode from the instance row alone, and
    nothing of them where there is no row."""

    only_counted_replicas_end: bool = False
    """Turning manual replicas off ends none while the agent's counter of them is 0."""

    unsaid_toggle_reads_disabled: bool = False
    """Toggling an agent without saying how enables it, and is told as disabled."""

    replica_changes_touch_little: bool = False
    """A report of the machine dates no readiness, a replica reported failed or terminated stays
    counted, and ending one leaves the row of its instance."""

    promotion_touches_little: bool = False
    """A promotion leaves the agent's place and links no instance to it, dates no end of the old
    instance, and does not count the former primary as the standby that it has become; commands
    stay as they are."""

    placeholders_are_promoted: bool = False
    """A replica that nobody has launched, or that is the primary already, can be promoted."""

    notices_leave_little: bool = False
    """A termination notice without a replica is kept without a pool and again at every repeat; one
    that is met leaves no event of its own and nothing with the agent; a replica that gets ready
    meanwhile waits for the next notice; what the coordinator does is not linked to the notice."""

    emergencies_need_prices: bool = False
    """An emergency replica goes only to a pool whose price is known."""

    replica_list_is_plain: bool = False
    """The list of replicas ignores the status that is asked for, and tells nothing of a pool that
    is not on record."""

    former_model_sessions: bool = False
    """Model files are kept and never opened, no hashes are kept of them, no model is registered;
    and a fallback that was uploaded after the live session stays one beside it."""

    @classmethod
    def with_the_monolith(cls) -> "Compatibility":
        return cls(**dict.fromkeys(cls.__dataclass_fields__, True))
