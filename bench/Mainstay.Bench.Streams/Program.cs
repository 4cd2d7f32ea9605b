using System.Diagnostics;
using System.Globalization;
using System.Text;
using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;

namespace Mainstay.Bench.Streams;

/// <summary>
/// What HTTP/2 itself costs a request, without sockets: the machines of both sides talk over two buffers, a hundred streams a turn.
/// Each of the four steps is timed alone: a request's head written, read (and parsed as every request is), a response's head and
/// 1 KiB written, read. Heads are those of a browser and of a web server.
/// </summary>
internal static class Program
{
    private const int Streams = 100, Turns = 300, Rounds = 9;

    private static readonly string[] s_steps = ["write request", "read request", "write response", "read response"];

    private static int Main()
    {
        var path = new Path();
        var best = new double[4];
        Array.Fill(best, double.MaxValue);
        for (int round = 0; round < Rounds; round++)
        {
            double[] times = path.Run(Turns);
            for (int i = 0; i < 4; i++) best[i] = Math.Min(best[i], times[i]);
        }

        Console.WriteLine($"{"step",-16} {"ns",8}");
        for (int i = 0; i < 4; i++) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{s_steps[i],-16} {best[i],8:F0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"towards clients",-16} {best[1] + best[2],8:F0}"));
        return 0;
    }

    private sealed class Path
    {
        private static readonly byte[] s_request = Encoding.ASCII.GetBytes(
            "GET /articles/2024/how-it-works?page=2 HTTP/1.1\r\nHost: www.example.com\r\nsec-ch-ua: \"Chromium\";v=\"126\", \"Not.A/Brand\";v=\"8\"\r\n"
            + "sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\nupgrade-insecure-requests: 1\r\n"
            + "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
            + "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nsec-fetch-site: same-origin\r\n"
            + "sec-fetch-mode: navigate\r\nsec-fetch-user: ?1\r\nsec-fetch-dest: document\r\nReferer: https://www.example.com/articles/2024/\r\n"
            + "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n");

        private static readonly byte[] s_response = Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 1024\r\n"
            + "Vary: Accept-Encoding\r\nCache-Control: private, max-age=0\r\nX-Request-Id: 6f1d2a6c94c04bd8\r\n\r\n");

        private static readonly HttpLimits s_limits = new();
        private static readonly byte[] s_content = new byte[1024];
        private readonly Http2Workspace _workspace = new();
        private readonly Http2Connection _client, _server;
        private readonly RequestHead _head = new();
        private readonly ResponseHead _answer = new();
        private readonly byte[] _toServer = new byte[1 << 20], _toClient = new byte[1 << 20];
        private readonly StreamRef[] _open = new StreamRef[Streams];
        private int _count;

        public Path()
        {
            _client = new Http2Connection(_workspace);
            _server = new Http2Connection(_workspace);
        }

        /// <summary>Nanoseconds of each step.</summary>
        public double[] Run(int turns)
        {
            _client.Begin(Http2Role.Client, new Http2Settings(), 1);
            _server.Begin(Http2Role.Server, new Http2Settings(), 2);
            var start = new FrameBuffer(_toServer);
            _client.Start(ref start);
            Read(_server, start.Written, _toClient, out _);
            start = new FrameBuffer(_toClient);
            _server.Start(ref start);
            Read(_client, start.Written, _toServer, out _);
            var ticks = new long[4];
            for (int turn = 0; turn < turns; turn++)
            {
                long at = Stopwatch.GetTimestamp();
                int requests = WriteRequests();
                ticks[0] += Lap(ref at);
                _count = 0;
                Read(_server, _toServer.AsSpan(0, requests), _toClient, out _);
                ticks[1] += Lap(ref at);
                int responses = WriteResponses();
                ticks[2] += Lap(ref at);
                Read(_client, _toClient.AsSpan(0, responses), _toServer, out int updates);
                ticks[3] += Lap(ref at);
                Read(_server, _toServer.AsSpan(0, updates), _toClient, out _);
            }

            return [.. ticks.Select(t => t * 1e9 / Stopwatch.Frequency / turns / Streams)];
        }

        private int WriteRequests()
        {
            var output = new FrameBuffer(_toServer);
            for (int i = 0; i < Streams; i++) Check(_client.TryOpen(s_request, true, true, ref output, out _) == HeadWrite.Written);
            return output.Length;
        }

        private int WriteResponses()
        {
            var output = new FrameBuffer(_toClient);
            for (int i = 0; i < _count; i++)
            {
                Check(_server.TryWriteHead(_open[i], s_response, false, ref output) == HeadWrite.Written);
                Check(_server.WriteData(_open[i], s_content, true, ref output) == s_content.Length);
            }

            return output.Length;
        }

        private void Read(Http2Connection to, ReadOnlySpan<byte> input, byte[] back, out int written)
        {
            var output = new FrameBuffer(back);
            int position = 0;
            while (to.TryRead(input, ref position, ref output, new Instant(1), out Http2Event e))
            {
                if (e.Kind == Http2EventKind.Data) to.Consume(e.Stream, e.Bytes.Length, ref output);
                if (e.Kind != Http2EventKind.Head) continue;
                if (to == _client) Check(_answer.TryParse(_workspace.Text(e), RequestMethod.Get, false, s_limits, out _));
                else Check(_head.TryParse(_workspace.Text(e), s_limits, out _));
                if (to == _server) _open[_count++] = e.Stream;
            }

            Check(position == input.Length);
            written = output.Length;
        }

        private static long Lap(ref long at)
        {
            long now = Stopwatch.GetTimestamp(), lap = now - at;
            at = now;
            return lap;
        }

        private static void Check(bool holds)
        {
            if (!holds) throw new InvalidOperationException("a request did not go through");
        }
    }
}
