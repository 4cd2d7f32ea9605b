namespace Mainstay.Demo;

/// <summary>Signs and colours of the live view. Never a colour alone: every state has its sign and its word.</summary>
/// <param name="isUnicode">The terminal shows more than ASCII.</param>
internal sealed class Symbols(bool isUnicode)
{
    public string Done => isUnicode ? "✔" : "+";

    public string Playing => isUnicode ? "▶" : ">";

    public string Waiting => isUnicode ? "·" : ".";

    public string Broken => isUnicode ? "✖" : "x";

    public string Ellipsis => isUnicode ? "…" : "~";

    /// <summary>Sign and colour of a server's state.</summary>
    public (string Sign, string Colour) OfState(string state) => state switch
    {
        "up" => (isUnicode ? "●" : "*", "green"),
        "down" => (Broken, "red"),
        "draining" or "maintenance" => (isUnicode ? "◐" : "~", "yellow"),
        _ => ("?", "grey"),
    };

    /// <summary>A bar of so many columns, filled to a share of 0..1.</summary>
    public string Bar(double share, int width)
    {
        int filled = (int)Math.Round(Math.Clamp(share, 0, 1) * width);
        return new string(isUnicode ? '█' : '#', filled) + new string(isUnicode ? '░' : '.', width - filled);
    }

    /// <summary>Cut to so many columns.</summary>
    public string Fit(string text, int width) =>
        text.Length <= width ? text : width <= 1 ? "" : string.Concat(text.AsSpan(0, width - 1), Ellipsis);
}
