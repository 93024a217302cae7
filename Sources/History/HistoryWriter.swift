/// Writes decisions to the history.
public struct HistoryWriter {}
