using System.Buffers.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Coding;
using Mainstay.Engine.Shards;
using Mainstay.Linux.Compression;

namespace Mainstay.Engine.Http;

/// <summary>
/// Compression of a response on its way. To everything else it looks as if the server had sent it coded and in chunks: the head is written anew as
/// such a server's, and what comes of the body goes through an encoder.
/// </summary>
/// <remarks>
/// Compressing costs 3 to 30 us a KiB, so that a turn compresses one piece and no more. A body whose length is not known may be a stream of events:
/// whenever the server has nothing more to say, everything that it has said goes out.
/// </remarks>
internal sealed partial class Exchange
{
    /// <summary>Bytes of a body taken in at once and compressed in one turn: less than a millisecond's work at any level.</summary>
    private const int QuickPiece = 64 * 1024, ThoroughPiece = 16 * 1024;

    /// <summary>From here on a level is thorough: some 20 us a KiB instead of 8.</summary>
    private const int ThoroughLevel = 5;

    private const int CodedRoom = 64 * 1024;

    /// <summary>Six digits and CRLF: more than the room is.</summary>
    private const int ChunkLine = 8;

    private CompressionPolicy? _compression;

    /// <summary>What the response is, or may become; identity once it is known that nothing becomes of it.</summary>
    private ContentCoding _coding;

    private ContentEncoder? _encoder;

    /// <summary>The encoder has taken what the client has not seen.</summary>
    private bool _encoderHolds;

    private int CodedPiece => _compression!.LevelOf(_coding) >= ThoroughLevel ? ThoroughPiece : QuickPiece;

    private void ChooseCoding(RequestHead request, ReadOnlySpan<byte> head)
    {
        _compression = _route.Compression;
        _coding = _compression is null ? ContentCoding.Identity : _compression.Choose(request, head, fromHere: false);
    }

    /// <summary>Makes a server's head that of a coded response, where that is due. The new one is in the shard's output, behind its middle.</summary>
    private ReadOnlySpan<byte> CodeHead(ReadOnlySpan<byte> head)
    {
        ResponseHead response = shard.Response;
        bool isHead = _method == RequestMethod.Head;
        if (!(response.Body.HasBody || isHead) || !_compression!.IsEligible(response, head))
        {
            _coding = ContentCoding.Identity;
            return head;
        }

        if (_coding != ContentCoding.Identity && !isHead) RentEncoder();
        Span<byte> scratch = shard.Output[(shard.Output.Length / 2)..];
        int length = CodedHead.Write(scratch, response, head, _coding);
        if (length >= 0 && response.TryParse(scratch[..length], _method, _isUpgrade, HttpShard.ResponseLimits, out _)) return scratch[..length];

        // It has outgrown the limits: then it stays as it was.
        ReleaseEncoder();
        _coding = ContentCoding.Identity;
        _ = response.TryParse(head, _method, _isUpgrade, HttpShard.ResponseLimits, out _);
        return head;
    }

    private void RentEncoder()
    {
        _encoder = shard.Encoders.TryRent(_coding, _compression!.LevelOf(_coding));
        _encoderHolds = false;
        if (_encoder is null) _coding = ContentCoding.Identity;
    }

    private void ReleaseEncoder()
    {
        if (_encoder is null) return;
        shard.Encoders.Return(_coding, _compression!.LevelOf(_coding), _encoder);
        _encoder = null;
    }

    /// <summary>Room for the next bytes from the server.</summary>
    private int ReceiveRoom(int have) =>
        _coding == ContentCoding.Identity ? HttpShard.ReceiveSize : Math.Min(HttpShard.ReceiveSize, have + CodedPiece);

    /// <summary>As <see cref="PassBody"/>, through the encoder.</summary>
    /// <param name="prefix">So many bytes of the new head are in the shard's output.</param>
    private bool PassCoded(int bodyStart, int end, int prefix)
    {
        Span<byte> bytes = shard.Input[bodyStart..end];
        int length, used;
        bool sound;
        RejectReason reason;
        if (_responseBody.Kind == BodyKind.Chunked)
        {
            sound = _responseBody.TryDecode(bytes, HttpShard.ResponseLimits, out length, out used, out reason);
        }
        else
        {
            sound = _responseBody.TryPass(bytes, HttpShard.ResponseLimits, out length, out reason);
            used = length;
        }

        if (!sound)
        {
            if (prefix > 0) _responseBegun = false;
            return FailResponse(reason);
        }

        _extraFromServer |= used < bytes.Length;
        bool isEnd = _responseBody.IsEnd;
        if (!Encode(bytes[..length], isEnd ? EncodeStep.Finish : EncodeStep.Process, prefix)) return false;
        if (isEnd)
        {
            Complete();
            return false;
        }

        ArmBody();
        return true;
    }

    /// <summary>The server has nothing to say now: what it has said goes out. False when the exchange has ended.</summary>
    private bool FlushCoded()
    {
        bool isDue = _encoder is not null && _encoderHolds && _responseBody.Kind != BodyKind.Length && !_client.HasUnsent;
        return !isDue || Encode(default, EncodeStep.Flush, prefix: 0);
    }

    /// <summary>Sends what the encoder makes of a piece of the body, in chunks where the client knows them. False when the exchange has ended.</summary>
    private bool Encode(ReadOnlySpan<byte> content, EncodeStep step, int prefix)
    {
        if (step == EncodeStep.Process) _encoderHolds |= !content.IsEmpty;
        else _encoderHolds = false;
        Span<byte> output = shard.Output;
        for (bool done = false; !done; prefix = 0)
        {
            int at = prefix + ChunkLine;
            done = _encoder!.Encode(content, output.Slice(at, CodedRoom), step, out int consumed, out int written);
            content = content[consumed..];
            bool isLast = done && step == EncodeStep.Finish;
            int end = at + written;
            int start = written > 0 && !_clientIsHttp10 ? BeginChunk(output, at, written, ref end) : at;
            if (isLast && !_clientIsHttp10)
            {
                "0\r\n\r\n"u8.CopyTo(output[end..]);
                end += 5;
            }

            output[..prefix].CopyTo(output[(start - prefix)..]);
            start -= prefix;
            if (start == end) continue;
            _bytesToClient += end - start;
            if (_client.Send(output[start..end], prefix, isLast) != SendResult.Failed) continue;
            Abandon(OutcomeCause.ClientReset);
            return false;
        }

        return true;
    }

    /// <summary>Puts a chunk's size in front of it and its CRLF behind; returns where it begins.</summary>
    private static int BeginChunk(Span<byte> output, int at, int length, ref int end)
    {
        Span<byte> line = stackalloc byte[ChunkLine];
        _ = Utf8Formatter.TryFormat(length, line, out int digits, new System.Buffers.StandardFormat('x'));
        "\r\n"u8.CopyTo(line[digits..]);
        line[..(digits + 2)].CopyTo(output[(at - digits - 2)..]);
        "\r\n"u8.CopyTo(output[end..]);
        end += 2;
        return at - digits - 2;
    }
}
