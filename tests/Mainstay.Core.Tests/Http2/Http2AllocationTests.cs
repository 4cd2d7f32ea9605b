using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

public class Http2AllocationTests
{
    [Fact]
    public void RequestsAndConnections_InSteadyState_AllocateNothing()
    {
        var path = new Proxied();
        for (int i = 0; i < 200; i++) path.RunConnection();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++) path.RunConnection();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>Client machine, server machine, and the wires between: connections that come and go, with ten requests each.</summary>
    private sealed class Proxied
    {
        private static readonly HttpLimits s_limits = new();
        private readonly Http2Workspace _workspace = new();
        private readonly Http2Connection _client, _server;
        private readonly RequestHead _request = new();
        private readonly ResponseHead _response = new();
        private readonly Http2Settings _settings = new();
        private readonly byte[] _toServer = new byte[1 << 17], _toClient = new byte[1 << 17];
        private readonly byte[] _requestHead = Encoding.ASCII.GetBytes("POST /a?b HTTP/1.1\r\nHost: h.example\r\nUser-Agent: " + new string('x', 80)
            + "\r\nCookie: a=b; c=d\r\nX-Fixed: always\r\nTransfer-Encoding: chunked\r\n\r\n");
        private readonly byte[] _responseHead = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nSet-Cookie: a=b\r\nContent-Length: 20000\r\n\r\n"u8.ToArray();
        private readonly byte[] _content = new byte[20_000];
        private int _toServerLength, _toClientLength, _answered;

        public Proxied()
        {
            _client = new Http2Connection(_workspace);
            _server = new Http2Connection(_workspace);
        }

        public void RunConnection()
        {
            _client.Begin(Http2Role.Client, _settings, 1);
            _server.Begin(Http2Role.Server, _settings, 2);
            var toServer = new FrameBuffer(_toServer);
            var toClient = new FrameBuffer(_toClient);
            _client.Start(ref toServer);
            _server.Start(ref toClient);
            (_toServerLength, _toClientLength, _answered) = (toServer.Length, toClient.Length, 0);
            for (int i = 0; i < 10; i++) RunRequest();
            Check(_answered == 10);
            _client.Release();
            _server.Release();
        }

        private void RunRequest()
        {
            var output = new FrameBuffer(_toServer.AsSpan(_toServerLength));
            Check(_client.TryOpen(_requestHead, true, false, ref output, out StreamRef stream) == HeadWrite.Written);
            Check(_client.WriteData(stream, _content.AsSpan(0, 5000), true, ref output) == 5000);
            _toServerLength += output.Length;
            Exchange(_server, _toServer, ref _toServerLength, _toClient, ref _toClientLength, new Instant(1));
            Exchange(_client, _toClient, ref _toClientLength, _toServer, ref _toServerLength, new Instant(1));
        }

        private void Exchange(Http2Connection to, byte[] wire, ref int length, byte[] back, ref int backLength, Instant now)
        {
            var output = new FrameBuffer(back.AsSpan(backLength));
            int position = 0;
            while (to.TryRead(wire.AsSpan(0, length), ref position, ref output, now, out Http2Event e))
            {
                if (e.Kind == Http2EventKind.Data) to.Consume(e.Stream, e.Bytes.Length, ref output);
                if (to == _server && e.Kind == Http2EventKind.Head) Check(_request.TryParse(_workspace.Text(e), s_limits, out _));
                if (to == _client && e.Kind == Http2EventKind.Head) Check(_response.TryParse(_workspace.Text(e), RequestMethod.Post, false, s_limits, out _));
                if (!e.EndStream) continue;
                if (to == _client) _answered++;
                else Answer(e.Stream, ref output);
            }

            Check(position == length);
            length = 0;
            backLength += output.Length;
        }

        private void Answer(StreamRef stream, ref FrameBuffer output)
        {
            Check(_server.TryWriteHead(stream, _responseHead, false, ref output) == HeadWrite.Written);
            Check(_server.WriteData(stream, _content, true, ref output) == _content.Length);
        }

        private static void Check(bool holds)
        {
            if (!holds) throw new InvalidOperationException("the request did not go through");
        }
    }
}
