"""What a strategy wishes for, how surely, and why: the input of a decision, and its record in the journal."""

from src.domain.signals.signal import Signal, SignalGenerated, SignalType, make_signal

__all__ = ["Signal", "SignalGenerated", "SignalType", "make_signal"]
