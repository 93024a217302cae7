/// What is released together, said once.
public enum Release {
    /// The version of all programs.
    public static let version = "1.0.0-dev"
}
