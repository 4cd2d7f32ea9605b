using System.Buffers;
using System.Text;
using Mainstay.Engine.Control;

namespace Mainstay.Engine.Tests.Control;

public class MetricsWriterTests
{
    [Fact]
    public void Sample_LabelsAndHelpWithSpecialCharacters_AreEscaped()
    {
        string text = Write(writer =>
        {
            writer.Counter("mainstay_requests_total", "Requests \\ answered.\nBy server.");
            writer.Sample(3, ("pool", "a\"b\\c\nd"), ("server", "s1"));
            writer.Sample(4);
        });

        Assert.Equal(
            """
            # HELP mainstay_requests_total Requests \\ answered.\nBy server.
            # TYPE mainstay_requests_total counter
            mainstay_requests_total{pool="a\"b\\c\nd",server="s1"} 3
            mainstay_requests_total 4

            """,
            text);
    }

    [Fact]
    public void Buckets_CountsOfEach_BecomeCumulative()
    {
        string text = Write(writer =>
        {
            writer.Histogram("mainstay_response_seconds", "Time to the response.");
            writer.Buckets([0.005, 0.1], [2, 3, 1], 1.25, ("pool", "app"));
        });

        Assert.Equal(
            """
            # HELP mainstay_response_seconds Time to the response.
            # TYPE mainstay_response_seconds histogram
            mainstay_response_seconds_bucket{pool="app",le="0.005"} 2
            mainstay_response_seconds_bucket{pool="app",le="0.1"} 5
            mainstay_response_seconds_bucket{pool="app",le="+Inf"} 6
            mainstay_response_seconds_sum{pool="app"} 1.25
            mainstay_response_seconds_count{pool="app"} 6

            """,
            text);
    }

    [Fact]
    public void Counter_WrittenTwice_IsABug()
    {
        Assert.Throws<InvalidOperationException>(() => Write(writer =>
        {
            writer.Counter("a_total", "");
            writer.Gauge("a_total", "");
        }));
    }

    [Theory]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(1e21, "1E+21")]
    [InlineData(9007199254740993d, "9007199254740992")]
    public void Sample_UnusualNumbers_AreWrittenAsPrometheusReadsThem(double value, string expected) =>
        Assert.EndsWith($"\ng {expected}\n", Write(writer =>
        {
            writer.Gauge("g", "");
            writer.Sample(value);
        }));

    private static string Write(Action<MetricsWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        write(new MetricsWriter(buffer));
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
