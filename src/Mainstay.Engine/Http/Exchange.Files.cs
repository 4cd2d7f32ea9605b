using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Coding;
using Mainstay.Core.Http.Files;
using Mainstay.Engine.Http.Files;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Linux.Storage;

namespace Mainstay.Engine.Http;

/// <summary>A file as the answer: found by its name, judged by the request's conditions, and its head written.</summary>
internal sealed partial class Exchange
{
    /// <summary>How long a disk, or a file server, may take before the client is told that there is nothing now.</summary>
    private static readonly TimeSpan s_fileWait = TimeSpan.FromSeconds(30);

    /// <summary>What a files route says to any method but GET and HEAD.</summary>
    private static readonly FixedResponse s_methodNotAllowed = new(405, "405 Method Not Allowed\n", "text/plain; charset=utf-8", "Allow: GET, HEAD\r\n");

    /// <summary>A file that is written to whenever it has just been opened, as often opened again.</summary>
    private const int MaxOpenings = 3;

    private enum FileStage : byte
    {
        /// <summary>The file that the request names.</summary>
        Asked,

        /// <summary>What answers in the place of a missing one.</summary>
        Fallback,

        /// <summary>The page of a 404.</summary>
        Page,
    }

    /// <summary>Counts the requests of this object, so that a result which comes late is not taken for another request's.</summary>
    private int _serial;

    private OwnResponse _own;
    private bool _ownLingers;
    private FileStage _fileStage;

    /// <summary>The head is in <see cref="HttpShard.Request"/> still.</summary>
    private bool _isParsed;
    private int _fileOpenings;

    private FileSite Site => _route.Files!;

    /// <summary>A look at the disk is over.</summary>
    public void OnFileLookedUp(int serial, FileFound found, FileEntry? entry)
    {
        if (serial != _serial || _phase != ExchangePhase.FileAwaited) return;
        _isParsed = false;
        OnFound(found, entry);
    }

    private void BeginFile(RequestHead request, OwnResponse own, bool linger)
    {
        (_own, _ownLingers, _fileStage, _isParsed, _fileOpenings) = (own, linger, FileStage.Asked, true, 0);
        if (_method is not (RequestMethod.Get or RequestMethod.Head))
        {
            AnswerFixed(s_methodNotAllowed, new Outcome(OutcomePhase.Route, OutcomeCause.MethodNotAllowed));
            return;
        }

        Look(request, _kept.Memory[.._receivedLength]);
    }

    /// <summary>Looks for the file that the request names.</summary>
    private void Look(RequestHead request, ReadOnlySpan<byte> head)
    {
        // Two paths, neither longer than the head, in a buffer that is made for heads.
        Span<byte> scratch = shard.Output;
        if (!PathNormalizer.TryNormalize(request.Path.Of(head), scratch[..(scratch.Length / 2)], out ReadOnlySpan<byte> path, out RejectReason reason)
            || !FilePath.TryResolve(
                FilePath.WithoutPrefix(path, Site.Prefix), Site.Snapshot.Hidden, scratch[(scratch.Length / 2)..], out int length,
                out bool isDirectory, out reason))
        {
            shard.Counters.Rejected[(int)reason]++;
            var outcome = Outcome.RejectedRequest(OutcomePhase.Route, reason);
            AnswerFixed(_route.Rules.ErrorPages.For(outcome.Status), outcome);
            return;
        }

        Look(scratch.Slice(scratch.Length / 2, length), isDirectory);
    }

    private void Look(ReadOnlySpan<byte> name, bool isDirectory)
    {
        FileFound found = shard.Files.Find(Site, name, isDirectory, this, _serial, out FileEntry? entry);
        if (found != FileFound.Waiting)
        {
            OnFound(found, entry);
            return;
        }

        _phase = ExchangePhase.FileAwaited;
        ArmFor(s_fileWait);
    }

    private void OnFound(FileFound found, FileEntry? entry)
    {
        switch (found)
        {
            case FileFound.File:
                AnswerFile(entry!);
                break;
            case FileFound.Unavailable:
                AnswerError(OutcomeCause.FileUnavailable);
                break;
            case FileFound.Redirect when _fileStage == FileStage.Asked:
                RedirectToDirectory();
                break;
            case FileFound.Forbidden when _fileStage == FileStage.Asked:
                AnswerError(OutcomeCause.FileForbidden);
                break;
            case FileFound.Failed when _fileStage == FileStage.Asked:
                AnswerError(OutcomeCause.FileFailed);
                break;
            default:
                OnMissing();
                break;
        }
    }

    private void OnMissing()
    {
        if (_fileStage == FileStage.Asked && Site.Try.Length > 0)
        {
            _fileStage = FileStage.Fallback;
            Look(Site.Try, isDirectory: false);
        }
        else if (_fileStage != FileStage.Page && Site.NotFound.Length > 0)
        {
            _fileStage = FileStage.Page;
            Look(Site.NotFound, isDirectory: false);
        }
        else
        {
            AnswerError(OutcomeCause.FileMissing);
        }
    }

    private void RedirectToDirectory()
    {
        ReadOnlySpan<byte> head = _kept.Memory[.._receivedLength];
        int written = DirectoryRedirect.Write(shard.Output, ParsedAgain(head), head, shard.Date, _own);
        _status = DirectoryRedirect.Status;
        if (written < 0) Fail(OutcomeCause.HeadDoesNotFit);
        else SendWhole(written, new Outcome(OutcomePhase.Route, OutcomeCause.Redirected));
    }

    private void AnswerError(OutcomeCause cause)
    {
        var outcome = new Outcome(OutcomePhase, cause);
        AnswerFixed(_route.Rules.ErrorPages.For(outcome.Status), outcome);
    }

    private void AnswerFixed(FixedResponse response, Outcome outcome)
    {
        _status = response.Status;
        SendWhole(response.Write(shard.Output, shard.Date, _own, OwnFields(_status)), outcome);
    }

    /// <summary>Sends a complete response that stands in the shard's output, and ends.</summary>
    private void SendWhole(int length, Outcome outcome)
    {
        _bytesToClient = length;
        bool failed = SendOwn(shard.Output[..length]) == SendResult.Failed;
        End(failed ? new Outcome(OutcomePhase, OutcomeCause.ClientReset) : outcome);
        if (failed) _client.OnExchangeAborted(reset: false);
        else _client.OnExchangeDone(_own.KeepAlive, _ownLingers);
    }

    /// <summary>The request's head; while this exchange waited, others were parsed.</summary>
    private RequestHead ParsedAgain(ReadOnlySpan<byte> head)
    {
        if (!_isParsed) _ = shard.Request.TryParse(head, _service.ParseLimits, out _);
        _isParsed = true;
        return shard.Request;
    }

    private void AnswerFile(FileEntry entry)
    {
        ReadOnlySpan<byte> head = _kept.Memory[.._receivedLength];
        ReadOnlySpan<HeaderField> fields = ParsedAgain(head).Fields;
        SelectionFields asked = SelectionFields.Find(fields, head);
        AcceptEncoding accept = asked.HasAcceptEncoding ? AcceptEncoding.Of(fields, head) : AcceptEncoding.Nothing;
        if (!accept.TryChoose(entry.Available, out ContentCoding coding))
        {
            AnswerError(OutcomeCause.NoCodingAcceptable);
            return;
        }

        Representation file = entry[coding]!;
        if (!file.IsInMemory && HasChanged(file))
        {
            Reopen(entry);
            return;
        }

        // A page of a 404 is a whole answer, whatever was asked.
        if (_fileStage == FileStage.Page) SendFile(file, new FileAnswer { Status = 404, ContentLength = file.Status.Size, IsSettled = true }, default);
        else AnswerConditions(file, asked, fields, head);
    }

    /// <summary>Its content was written to. That its name has gone to another file changes nothing: what is open stays what it was.</summary>
    private static bool HasChanged(Representation file) =>
        FileStatus.Read(file.Descriptor, mayWait: false, out FileStatus now) < 0 || now.Size != file.Status.Size
        || now.ModifiedNanoseconds != file.Status.ModifiedNanoseconds;

    /// <summary>The open file was written to: what the cache knows of it is not true any more.</summary>
    private void Reopen(FileEntry entry)
    {
        FileCache.Invalidate(entry);
        if (++_fileOpenings > MaxOpenings)
        {
            AnswerError(OutcomeCause.FileUnavailable);
            return;
        }

        switch (_fileStage)
        {
            case FileStage.Fallback: Look(Site.Try, isDirectory: false); break;
            case FileStage.Page: Look(Site.NotFound, isDirectory: false); break;
            default:
                ReadOnlySpan<byte> head = _kept.Memory[.._receivedLength];
                Look(ParsedAgain(head), head);
                break;
        }
    }

    private void AnswerConditions(
        Representation file, in SelectionFields asked, ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head)
    {
        bool settled = file.Version.IsSettled(_loop.UnixNanoseconds);
        long size = file.Status.Size;
        if (asked.IsPlain)
        {
            SendFile(file, new FileAnswer { Status = 200, ContentLength = size, IsSettled = settled }, default);
            return;
        }

        int year = shard.Year;
        Validators validators = file.Head.Validators(settled);
        PreconditionResult condition = asked.Evaluate(fields, head, validators, year);
        if (condition != PreconditionResult.Proceed)
        {
            int status = condition == PreconditionResult.NotModified ? 304 : 412;
            SendFile(file, new FileAnswer { Status = status, ContentLength = 0, IsSettled = settled }, default);
            return;
        }

        ReadOnlySpan<byte> range = _method == RequestMethod.Get ? asked.RangeFor(fields, head, validators, year) : default;
        RangeResult result = RangeSet.Parse(range, size, out RangeSet ranges);
        if (result == RangeResult.Unsatisfiable)
        {
            SendFile(file, new FileAnswer { Status = 416, ContentLength = 0, IsSettled = settled }, default);
        }
        else if (result == RangeResult.Ignored)
        {
            SendFile(file, new FileAnswer { Status = 200, ContentLength = size, IsSettled = settled }, default);
        }
        else if (ranges.Count == 1)
        {
            SendFile(file, new FileAnswer { Status = 206, ContentLength = ranges[0].Length, Range = ranges[0], IsSettled = settled }, ranges);
        }
        else
        {
            shard.RequestIds.Write(_boundary);
            long length = file.Head.MultipartLength(ranges);
            SendFile(file, new FileAnswer { Status = 206, ContentLength = length, Boundary = Boundary, IsSettled = settled }, ranges);
        }
    }
}
