using System.Text;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Coding;
using Mainstay.Core.Http.Files;
using Mainstay.Engine.Http.Files;
using Mainstay.Linux.Compression;
using Mainstay.Linux.Storage;

namespace Mainstay.Engine.Http;

/// <summary>Compression of a file that nobody has compressed ahead.</summary>
internal sealed partial class Exchange
{
    /// <summary>Whether a route that compresses would do so with this answer, for this client or another. HTTP/1.0 knows no chunks: it gets the file.</summary>
    private bool IsCodedHere(Representation file, in FileAnswer answer) =>
        _route.Compression is { } policy && answer.Status == 200 && file.Head.Coding == ContentCoding.Identity && !_clientIsHttp10
        && file.Status.Size >= Math.Max(policy.Snapshot.MinSize, 1) && policy.IsListed(file.Head.MediaTypeText);

    /// <summary>Makes the head in the shard's output that of a coded response, for a client that takes it; returns its length.</summary>
    private int CodeFileHead(int length, bool hasBody)
    {
        ReadOnlySpan<byte> received = _kept.Memory[.._receivedLength];
        _compression = _route.Compression;
        _coding = _compression!.Choose(ParsedAgain(received), received, fromHere: true);
        if (_coding != ContentCoding.Identity && hasBody) RentEncoder();
        Span<byte> output = shard.Output, scratch = output[(output.Length / 2)..];
        output[..length].CopyTo(scratch);
        ReadOnlySpan<byte> head = scratch[..length];
        if (!shard.Response.TryParse(head, _method, false, HttpShard.ResponseLimits, out RejectReason reason))
            throw new InvalidOperationException($"a head of our own was refused: {reason.Label()} {Encoding.ASCII.GetString(head)}");
        return CodedHead.Write(output[..(output.Length / 2)], shard.Response, head, _coding);
    }

    /// <summary>The next piece of the file through the encoder. False: the client takes no more now, or the exchange has ended.</summary>
    private bool SendCoded(ref int budget, int prefix)
    {
        Span<byte> piece = shard.Input[..(int)Math.Min(CodedPiece, _fileEnd - _fileAt)];
        int count = _file!.IsInMemory ? CopyContent(piece) : FileContent.Read(_file.Descriptor, piece, _fileAt);
        if (count <= 0)
        {
            Fail(count == 0 ? OutcomeCause.FileChanged : OutcomeCause.FileFailed);
            return false;
        }

        _fileAt += count;
        budget -= count;
        bool isEnd = _fileAt == _fileEnd;
        if (isEnd && _fileTookTime && !_file.IsInMemory && !IsStillWhole()) return false;
        if (!Encode(piece[..count], isEnd ? EncodeStep.Finish : EncodeStep.Process, prefix)) return false;
        if (isEnd)
        {
            FinishFile();
            return false;
        }

        _fileTookTime |= _client.HasUnsent;
        ArmFor(_service.Snapshot.Timeouts.Write);
        return true;
    }

    private int CopyContent(Span<byte> piece)
    {
        _file!.Content.Slice((int)_fileAt, piece.Length).CopyTo(piece);
        return piece.Length;
    }
}
