/// Serves metrics, health and the page.
public struct WebServer {}
