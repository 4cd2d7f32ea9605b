using System.Buffers;
using System.Globalization;
using System.Text;

namespace Mainstay.Engine.Control;

/// <summary>
/// Prometheus text format 0.0.4. A family first, then its samples: <c>writer.Counter("name", "help")</c> and
/// <c>writer.Sample(1, ("pool", "app"))</c> for each label set. Used for one scrape by one thread.
/// </summary>
public sealed class MetricsWriter
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly IBufferWriter<byte> _output;
    private readonly HashSet<string> _written = [];
    private readonly StringBuilder _line = new();
    private string _family = "";

    public MetricsWriter(IBufferWriter<byte> output) => _output = output;

    /// <param name="name">By convention ends in <c>_total</c>.</param>
    public void Counter(string name, string help) => Begin(name, help, "counter");

    public void Gauge(string name, string help) => Begin(name, help, "gauge");

    public void Histogram(string name, string help) => Begin(name, help, "histogram");

    /// <summary>One value of the counter or gauge begun last.</summary>
    public void Sample(double value, params ReadOnlySpan<(string Name, string Value)> labels) => WriteLine("", value, labels, null);

    /// <summary>One label set of the histogram begun last.</summary>
    /// <param name="bounds">Upper bounds in the unit of the name, ascending, without infinity.</param>
    /// <param name="counts">Observations in each bucket alone (not cumulative); one more than bounds, for those above the last.</param>
    public void Buckets(
        ReadOnlySpan<double> bounds, ReadOnlySpan<long> counts, double sum, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        if (counts.Length != bounds.Length + 1) throw new ArgumentException("one count for each bound and one above", nameof(counts));
        long total = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            total += counts[i];
            WriteLine("_bucket", total, labels, i < bounds.Length ? Number(bounds[i]) : "+Inf");
        }

        WriteLine("_sum", sum, labels, null);
        WriteLine("_count", total, labels, null);
    }

    private void Begin(string name, string help, string type)
    {
        // A family that is written twice makes Prometheus refuse the whole scrape.
        if (!_written.Add(name)) throw new InvalidOperationException($"metric family {name} is written twice");
        _family = name;
        _line.Clear().Append("# HELP ").Append(name).Append(' ');
        foreach (char c in help) _ = c switch { '\\' => _line.Append(@"\\"), '\n' => _line.Append(@"\n"), _ => _line.Append(c) };
        _line.Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        Flush();
    }

    private void WriteLine(string suffix, double value, ReadOnlySpan<(string Name, string Value)> labels, string? bound)
    {
        _line.Clear().Append(_family).Append(suffix);
        char separator = '{';
        foreach ((string name, string text) in labels)
        {
            AppendLabel(separator, name, text);
            separator = ',';
        }

        if (bound is not null) AppendLabel(separator, "le", bound);
        if (labels.Length > 0 || bound is not null) _line.Append('}');
        _line.Append(' ').Append(Number(value)).Append('\n');
        Flush();
    }

    private void AppendLabel(char separator, string name, string value)
    {
        _line.Append(separator).Append(name).Append("=\"");
        foreach (char c in value)
        {
            _ = c switch
            {
                '\\' => _line.Append(@"\\"),
                '"' => _line.Append("\\\""),
                '\n' => _line.Append(@"\n"),
                _ => _line.Append(c),
            };
        }

        _line.Append('"');
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private void Flush()
    {
        foreach (ReadOnlyMemory<char> chunk in _line.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, _output);
    }
}
