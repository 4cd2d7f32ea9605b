using System.Text;
using Mainstay.Core.Logging;

namespace Mainstay.Core.Tests.Logging;

public class SyslogMessageTests
{
    private static readonly DateTime s_time = new DateTime(2026, 1, 31, 12, 34, 56, DateTimeKind.Utc).AddTicks(1_234_560);

    private readonly SyslogMessage _message = new(SyslogFacility.Local0, SyslogSeverity.Info, "lb1", "mainstay", 42);

    [Fact]
    public void Write_Datagram_IsOneMessageOfRfc5424Section6()
    {
        Assert.Equal("<134>1 2026-01-31T12:34:56.123456Z lb1 mainstay 42 access - {\"status\":200}", Write("{\"status\":200}", withLength: false));
    }

    [Fact]
    public void Write_Stream_CountsItsOctetsAsRfc6587Section341()
    {
        string framed = Write("line", withLength: true);
        string message = framed[(framed.IndexOf(' ') + 1)..];
        Assert.Equal($"{message.Length}", framed[..framed.IndexOf(' ')]);
        Assert.StartsWith("<134>1 ", message);
        Assert.EndsWith(" access - line", message);
    }

    [Theory]
    [InlineData(SyslogFacility.User, SyslogSeverity.Error, 11)]
    [InlineData(SyslogFacility.Daemon, SyslogSeverity.Warning, 28)]
    [InlineData(SyslogFacility.Local7, SyslogSeverity.Debug, 191)]
    public void Write_Priority_IsFacilityTimesEightAndSeverity(SyslogFacility facility, SyslogSeverity severity, int priority)
    {
        byte[] buffer = new byte[512];
        var message = new SyslogMessage(facility, severity, "", "a b\nc", 1);
        int length = message.Write(buffer, "x"u8, s_time, withLength: false);
        Assert.Equal($"<{priority}>1 2026-01-31T12:34:56.123456Z - abc 1 access - x", Encoding.ASCII.GetString(buffer, 0, length));
    }

    [Fact]
    public void Write_EveryRoomThatIsTooSmall_IsRefused()
    {
        int needed = Write("line", withLength: true).Length;
        for (int room = 0; room < needed; room++) Assert.Equal(-1, _message.Write(new byte[room], "line"u8, s_time, withLength: true));
        Assert.Equal(needed, _message.Write(new byte[needed], "line"u8, s_time, withLength: true));
    }

    private string Write(string line, bool withLength)
    {
        byte[] buffer = new byte[line.Length + SyslogMessage.Overhead];
        return Encoding.ASCII.GetString(buffer, 0, _message.Write(buffer, Encoding.ASCII.GetBytes(line), s_time, withLength));
    }
}
