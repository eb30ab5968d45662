"""The letters of the burnt-in captions: a strip of grey glyphs, the same on every machine.

A font library draws the same letter differently from version to version, and the pixels of the synthetic
set are fixed by a hash. So the glyphs are stored: Aileron Regular of Sora Sagano (CC0, public domain) at 22
pixels, capitals 16 pixels high, 16 levels of coverage.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np
import numpy.typing as npt

CHARACTERS = " ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?'-()/&+%"
LINE_HEIGHT = 21  # pixels, from the top of the capitals to the foot of the descenders
# fmt: off
WIDTHS = (
    5, 14, 14, 15, 16, 13, 13, 15, 16, 6, 11, 14, 13, 19, 16, 16, 14, 16, 14, 13, 14, 15, 14, 21,
    14, 14, 14, 12, 14, 12, 14, 12, 8, 14, 14, 5, 5, 12, 6, 20, 14, 14, 14, 14, 8, 10, 8, 13, 12,
    18, 11, 11, 11, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 5, 5, 5, 5, 5, 11, 4, 7, 6, 6, 7, 14,
    13, 17,
)
# fmt: on
GLYPHS = (
    "c-rk+&x<3+6)s6=gd|2S?;!zSqzw2HlSpwOVKIsR1!Z##i9{e1e6a)p-(vj>vJHmuvfHvDhfFY%okLh(`d<(ZK1?n>$&v*7(yb"
    "OF(Q3LY?|ZLW)2$tEHp@B=cEqgI)m`<f>V5CW_o`Q^uk`1eXJ4@m6*hDA75`YP&%069`rzJks?apoj|}_Y{^%yYtA49bKaIs>d"
    "bY4>OKbf{;6K+fji6TYp5kB92_9-+sc&ojXQK%E5{0yUo~pGmGg^8~-y>@14T*#7mqj#WzL9I{cd3W1w`LygLnIC9_zcE?evWm"
    "Uq%FNE9-N?2&}~bW_3z-cwukp<EB;f%S(`m^*B|M)OFu<-wQrO?{g9tcXjeU2eyCJM>#0gNW4gKelLHu^*GV^3?yz=AKb^jMQS"
    "1J`lTBh&+P0x2D?Gc88>8ghjp*6g*_`{F(FYID&Zg=}U*P6Va25!}6i!U&08TA%*7RTQ>6ww)&NsWNmAs>u>g>#>Ii?0q>xx9w"
    "x2=`24rkm6$R@YSCfT)}s?u`oCxCNxc+XRfr-!rUKWWdhzHqNtvoy(({>WR?b#zY;0Wthyba8g}mMVA`^Mp5ZKZ0^G#)<B-KU~"
    "9E(4RS1M!AD#3Co_SlK$)udpK))9zrc<#AqhFvwafUr3t4zx)-KCZni!molZ74!r8d)i!G=GaJplL)23maojiAz(lp(jOXW^gY"
    "pbq(9z!Y-UpL6Td)@+Fj}n@C$vAgpF}?Luz?r%JBH?UZ5uy~;^?)X61*)Eq{+nt90S&-uGZgg=ZFb570%dK;S?RB>V7eJN>k%G"
    "^a^F{qbfThc;GwOoOIr2Jeo7GqAl@CVw*@8jBz_i2bQaD6y!cq(2q%J}=^N5a<q&XE%p`0ehQ1_TbbQlno2H^GV3mWDL-b%-B~"
    "<MJ3sLU4NCV1r<&9-A^fN&`w^kGV54!WBj@$T-;MCmU7$!H+=^>UV>n1JYB5?KaJNincj}gM&%Sx1??(8TP$AO6BT5CnlM%o|+"
    "xC=rHvsPk`oG?6Eu(IC8e#lvhT2(`14-;}4<+Rx%soUt11LRCr#rAq+{LGowL#%ksQ?hbDRq7+s-W4nAIhFyf1vG)~8dqH(ulI"
    "1;OBm2vMmvifoX{?;?gluIcl&H@1q4n#0G!Wnv5*>usrka-XPUD;oPAaJ)d8H!BYio;60RBn@2?d!5Wc)=S%PdMrdjkkfokpIy"
    "A-_3`hmMfm~*_9X;A!5Z&*=upDjw(-3oaFN$75pd$a=cxU4@z#@S1hp>fo=cW%Jq1WubG#%MuXvS`p?Nj_j*Q7TZ4t14#!SR6r"
    "G<o(S1VxEe<v#0^8$5_mVg{BZzxbm88g0zP&#xZ>hFjmItc%?`MuY(YAKh`(kJdR$Dt7)vYe5lLVk%#bJ_?C1X_&GRPpX&QJd8"
    "f0uhI56r`GE5|1b#_`smD+Jd~>1PbtVL+a83|mIdR0*t*XOh6B|sV6IjyUS+NjWB2?PDQk^wr3VatS+EctLOBgXX(1{{@3a7{3"
    "K-#KOrk`K(WBMUJr$(!cL>Wqs*{$!`xdcvJxqX_xN2y{yq^ax~LJYefWdV3f&%ci7Y=VW`2&|2O#f)@BA?>!-Os~ibsn0J*5kL"
    "j1!fA$8!!IkbsZ$8V5lLOpR_~nXmzn}+QR`JN%>;uPG-s_(eu(_m&hTRR&PyjJZ9F_VVT+JZO|4EA&gWy5fzuwU-V|^)=hK2V!"
    "&)rsw(jSfP1Vu6{v&YG<D&>FD{o6N*eG4|CTsD8N%|2MI+-$24RKq|ncR`bsL4vr$vwO-`-a@GB4a`f=dsu?C7>cjOqhf`MrXn"
    ";m1u^7c(+Tx&%k+n#UwdUlO9Y&Id8J<smV<3Nns}gr?p|i5+c@4Sxoc_8H#q^7DC5;M_Mn`am@Mbpg`#ulP{9E0TWy1#(Gvf84"
    "xh4cxNALmD?t@F<p++Txq00=UkykM!?!`0aj+#SvcoG7S7I6&D#uTYgN$K%mbs=`6fd9>q5D6aFV`|0VcCrKzi$-TW>32NoMJ7"
    "c$v3gRbtTC&#k6pHMT-$3~A;DVnS;VCxEheB=`U+Gkx4=Pf8`4q15so8Y(1klBrQdt8bOt@C)!t+80d7BO9wnqKQ@pP6rz({x;"
    "-5+5#Eqt45^s%1|M92(;h6Kc(lNyx=|pCwC&hD*Eh>Hq7}?r}|VXHco_TtS#UUWr5A<E5xTC@y^rJ(;*(7p0b-cfEBG#7EaM|3"
    "MZga3}<zh^Ul-LpQv2ZW{AGwZ4TiieL)=^pS;iQj>cT3viOlf6+x=#q*g`AM;>#{C8ok`C%u7L_i*l#eYU`49sl~V)JaBSd!JJ"
    "}I&5a(r2QRJIFD6aTUR(xlD>PFK$a8a0i3l&lu7}Fm;m5>jm-vy3%YYGo)9PUn(D_|KRkp}=mz<f@lI-jGSj1@(+L3s^IqA)k&"
    "lw|^SKmbHJL#bjF*lsbGZ{H{DWWTnC+=(Vd-6F;H+*+p}<+7^qJ3{D%UhwqOK3&q<^C+(t2y5CS&lxS|}XQq;XczVE5Br3a84$"
    "`5IYVI}7J311E=rJe;dX;mi(Iuj(L$6HLYFBLV2rwj2_!<SXp%m5p%r!`wNCJc+-P4^MhQTP%_%K%8Zj@EG#q7w(jk130BZBEO"
    "Q{NyL`9;+_hj+wJ7lkTpYHj-{BSg(3{GKG4;j=HO%_DdphQP0>Ot%D`EStAW6&Chs0F+tkzyv(@eLZw!?asVT8@`z`|4)o4hem"
    "dh6ZI8-?W(dcpNc%_u611Ji>P}Hqv8f-fUaK<R0Z-mnX+h8AT_Y~o~iNM)rU+OIpG2GjMN`PxCAq`iyxD@_9WM*qtTT3A^$xHj"
    "C-{s(BLzPDD<4oX8;T%j=mf2Qi9a%W5J1$mCMmUO7I63JWMq3t0_Bv$4tLNeDil3EG1@8N5%QtXZ!M^TH^K!1~_K9)`4;QIhoP"
    "1#kAHYP9LI*N-T=NzfFz$9F2U;YdCsc)O#03><yFy=FEQhI(xsii&1qI&(XG(>P#Qo6ng-LqYa1F%KcWL#bd%p5|6!yJ49E3YG"
    "z=rBg-Dy@k|EswoRUu7nhVVb4;UH{?vAi*CNo>{%KKFcr>rQJSy)$t3kd+utn@>a8k|~Q<Npy+&qU-4D;8X~V$Iij&&XDGD;F0"
    "ZXPo@UWN_=oCq)c-oO?zA<Lja^Al@CSujA)DRLV_ALBH7sHAPvWSs3aP2O<57BL7=J$sst1l)UL=v&5b;qJnRNIJDEZy$P6XxB"
    "X4cd!o4MNO7eycmfZ3d%67Xr#6rF9I;6Web1EdOttCyS<f`B;QvacxMsra)Rir&sBNK26dQm0?P*rOWxll1*qrG?XsSt>*dzpi"
    "iOm{7ri^-2Ww8FD@a6C7U-*LBmpz5#%$eHcR<hYCZCI@FHmg1bvK!0?8e$IEr_c)sJneBxf(l*TrBQ^gf&CwEv#5&lUj2qo$x?"
    "9&0PD7ZnFGgIC(r!BBWzC~G4Yd*~`iCU;0oD9f{lJ;?j~8%XbK?Nc7KNjz`v{z6{V5+Kh{Vj$`EDK(%IB(=+>JD%%ZAVE#tbeZ"
    "GPMVA+Z`5`p4rM+ES4sU98mz^93}6QMk@M&8}bPszX*AN4o-AG!3hF_o=>D2o7el(MLx5&VbJ=)-Lwkf@La{YZCbOAE<t(!iMF"
    "Go?)BRby)RMl`MHk2mxHtD>W>8&cXi#@k}8bx%Dz!C)4$9mlO*{S=xNy8!&&io6{L_Qo9r5)<5D6t^E81|rmE<eJje<hyyqddv"
    "TNddi!Q%F!;qM5%Rhv(sApAXzIixt$oHYjNZcAKRME+hRHaqP({Er)o^N6aDpoz@BU!{~EBkgtR?BO}dl7TAj(JM1{=4Y2%REA"
    "H!Iq5qB@5m;Or0rx5$&a4K7=wQKi;Uostfn2uH469(5{J|etEB9e>VOv&17>*dd%C=$G<`SPY&vz=^IqxqK8`I_nmL5ukUB#r*"
    "AEu{I$qa!a15f!*$C!+t=`aBRu}opp=xY<Ge2n&P*<Q1|L4w+o}J54x=rnr0XEo{i5L1AAIS1{TK4L!Rr"
)


def draw_line(text: str) -> npt.NDArray[np.uint8]:
    """Return the coverage 0..255 of one line of text, shape (LINE_HEIGHT, width).

    Raises:
        ValueError: If a character has no glyph.

    Example:
        >>> draw_line("Hi").shape
        (21, 21)
    """
    if not text:
        return np.zeros((LINE_HEIGHT, 0), np.uint8)
    return np.concatenate([_glyph(character) for character in text], axis=1)


def line_width(text: str) -> int:
    """Return the width of ``text`` in pixels."""
    return int(draw_line(text).shape[1])


def wrap(text: str, width: int) -> list[str]:
    """Return the words of ``text`` in lines of at most ``width`` pixels; a longer word stands alone.

    Example:
        >>> wrap("a red circle", 80)
        ['a red', 'circle']
    """
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and line_width(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def _glyph(character: str) -> npt.NDArray[np.uint8]:
    place = CHARACTERS.find(character)
    if place < 0:
        raise ValueError(f"no glyph for {character!r}; captions may use {CHARACTERS!r}")
    start = sum(WIDTHS[:place])
    return _STRIP[:, start : start + WIDTHS[place]]


def _unpack() -> npt.NDArray[np.uint8]:
    packed = np.frombuffer(zlib.decompress(base64.b85decode(GLYPHS)), np.uint8).reshape(LINE_HEIGHT, -1)
    return np.stack([packed >> 4, packed & 15], axis=-1).reshape(LINE_HEIGHT, -1) * np.uint8(17)


_STRIP = _unpack()
