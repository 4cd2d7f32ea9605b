using System.Net;
using System.Net.Sockets;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Logging;
using Mainstay.Core.Net;
using Mainstay.Engine.Logging;

namespace Mainstay.Engine.Tests.Logging;

public sealed class LogSinkTests : IDisposable
{
    private static readonly DateTime s_noon = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-sink-").FullName;

    private string LogPath => Path.Combine(_directory, "access.log");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void File_SizeReached_IsSetAsideAndTheOldestGoes()
    {
        using LogSink sink = OpenFile(new LogRotation(100, TimeSpan.Zero, Keep: 2));
        for (int round = 1; round <= 4; round++)
        {
            sink.TryWrite(Encoding.ASCII.GetBytes($"round {round} {new string('x', 100)}\n"));
            sink.Tick(s_noon);
        }

        sink.TryWrite("last\n"u8);
        Assert.Equal("last\n", File.ReadAllText(LogPath));
        Assert.StartsWith("round 4", File.ReadAllText($"{LogPath}.1"));
        Assert.StartsWith("round 3", File.ReadAllText($"{LogPath}.2"));
        Assert.False(File.Exists($"{LogPath}.3"));
        Assert.Equal(0, sink.Lost);
    }

    [Fact]
    public void File_DayOver_IsSetAsideOnce()
    {
        using LogSink sink = OpenFile(new LogRotation(0, TimeSpan.FromDays(1), Keep: 7));
        DateTime today = DateTime.UtcNow;
        sink.TryWrite("today\n"u8);
        sink.Tick(today);
        Assert.False(File.Exists($"{LogPath}.1"));
        sink.Tick(today.AddDays(1));
        sink.TryWrite("tomorrow\n"u8);
        sink.Tick(today.AddDays(1).AddSeconds(2));
        Assert.Equal("today\n", File.ReadAllText($"{LogPath}.1"));
        Assert.Equal("tomorrow\n", File.ReadAllText(LogPath));
    }

    [Fact]
    public void File_MovedAwayByAnother_IsOpenedAnewWithoutASignal()
    {
        using LogSink sink = OpenFile(rotation: null);
        sink.TryWrite("before\n"u8);
        File.Move(LogPath, $"{LogPath}.old");
        sink.Tick(s_noon);
        sink.TryWrite("after\n"u8);
        Assert.Equal("before\n", File.ReadAllText($"{LogPath}.old"));
        Assert.Equal("after\n", File.ReadAllText(LogPath));
    }

    [Fact]
    public void File_DirectoryGone_GoesOnInTheOpenFileAndCounts()
    {
        using LogSink sink = OpenFile(rotation: null);
        sink.TryWrite("before\n"u8);
        Directory.Move(_directory, _directory + ".moved");
        try
        {
            sink.Tick(s_noon);
            Assert.True(sink.TryWrite("after\n"u8));
            Assert.Equal(1, sink.Lost);
            Assert.Equal("before\nafter\n", File.ReadAllText(Path.Combine(_directory + ".moved", "access.log")));
        }
        finally
        {
            Directory.Move(_directory + ".moved", _directory);
        }
    }

    [Fact]
    public void Syslog_Udp_SendsOneDatagramALine()
    {
        using var collector = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        collector.Client.ReceiveTimeout = 5000;
        using LogSink sink = OpenSyslog(((IPEndPoint)collector.Client.LocalEndPoint!).Port, SyslogTransport.Udp);
        Assert.True(sink.TryWrite("one\ntwo\n"u8));
        IPEndPoint? from = null;
        Assert.EndsWith(" web1 " + Environment.ProcessId + " access - one", Encoding.ASCII.GetString(collector.Receive(ref from)));
        Assert.EndsWith(" access - two", Encoding.ASCII.GetString(collector.Receive(ref from)));
    }

    [Fact]
    public void Syslog_Unix_FindsTheCollectorAgainAfterItsRestart()
    {
        string path = Path.Combine(_directory, "log");
        using LogSink sink = LogSink.Open(Syslog(Endpoint.Unix(path), SyslogTransport.Udp))!;
        Assert.True(sink.TryWrite("nobody\n"u8));
        Assert.Equal(1, sink.Lost);
        using (Socket first = Bind(path))
        {
            WaitUntil(() => sink.TryWrite("one\n"u8) && first.Available > 0);
        }

        File.Delete(path);
        using Socket second = Bind(path);
        WaitUntil(() => sink.TryWrite("two\n"u8) && second.Available > 0);
    }

    [Fact]
    public async Task Syslog_Tcp_LinesWaitWhileTheCollectorIsAway()
    {
        var collector = new TcpListener(IPAddress.Loopback, 0);
        collector.Start();
        int port = ((IPEndPoint)collector.LocalEndpoint).Port;
        using LogSink sink = OpenSyslog(port, SyslogTransport.Tcp);
        Assert.True(sink.TryWrite("one\n"u8));
        using (TcpClient first = await collector.AcceptTcpClientAsync(TestContext.Current.CancellationToken))
        {
            Assert.EndsWith(" access - one", await Receive(first));
            collector.Stop();
            first.Client.LingerState = new LingerOption(true, 0);
        }

        WaitUntil(() => !sink.TryWrite("two\n"u8));
        collector = new TcpListener(IPAddress.Loopback, port);
        collector.Start();
        WaitUntil(() => sink.TryWrite("two\n"u8));
        using TcpClient again = await collector.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        Assert.EndsWith(" access - two", await Receive(again));
        Assert.Equal(0, sink.Lost);
        collector.Stop();
    }

    private static Socket Bind(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static async Task<string> Receive(TcpClient client)
    {
        byte[] buffer = new byte[4096];
        int count = await client.GetStream().ReadAsync(buffer, TestContext.Current.CancellationToken);
        return Encoding.ASCII.GetString(buffer, 0, count);
    }

    private static void WaitUntil(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(() => condition(), TimeSpan.FromSeconds(10)));

    private LogSink OpenFile(LogRotation? rotation) =>
        LogSink.Open(new AccessLogSnapshot(AccessLogFormat.Json, LogPath) { Rotate = rotation })!;

    private static LogSink OpenSyslog(int port, SyslogTransport transport) =>
        LogSink.Open(Syslog(Endpoint.Ip(Loopback(), port), transport))!;

    private static NetAddress Loopback() => NetAddress.TryParse("127.0.0.1", out NetAddress address) ? address : default;

    private static AccessLogSnapshot Syslog(Endpoint to, SyslogTransport transport) => new(AccessLogFormat.Json, "stdout")
    {
        Syslog = new SyslogSnapshot(to, transport, SyslogFacility.Local0, SyslogSeverity.Info, "web1"),
    };
}
